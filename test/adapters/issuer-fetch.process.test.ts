import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeFault } from '../../src/adapters/server/issuer-fault.ts'
import {
  createIssuerFetch,
  type IssuerFetch,
  type IssuerFetchOptions,
  type IssuerRequest,
} from '../../src/adapters/server/issuer-fetch.ts'
import { SidecarError } from '../../src/errors.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { startFaultyServer } from '../support/faulty-server.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { startProxy } from '../support/proxy.ts'
import { startSocksProxy } from '../support/socks-proxy.ts'
import { until } from '../support/until.ts'

const directory = mkdtempSync(join(tmpdir(), 'evo-token-fetch-'))
afterAll(() => {
  rmSync(directory, { recursive: true })
})

function get(): IssuerRequest {
  return {
    method: 'GET',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(20_000),
  }
}

/** The status of one GET, by a fetch that is closed afterwards. */
async function statusOf(url: string, options: Partial<IssuerFetchOptions> = {}): Promise<number> {
  const { fetch, close } = start(options)
  try {
    return (await fetch(url, get())).status
  } finally {
    close()
  }
}

function start(options: Partial<IssuerFetchOptions> = {}): {
  fetch: IssuerFetch
  close: () => void
} {
  return createIssuerFetch({ env: {}, ...options })
}

function configError(options: IssuerFetchOptions): SidecarError {
  try {
    createIssuerFetch(options)
  } catch (error) {
    if (error instanceof SidecarError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a request to an issuer', () => {
  it('follows no redirect', async () => {
    await using scripted = await startFaultyServer()
    scripted.answer(302, '', { location: `${scripted.url}/elsewhere` })
    expect(await statusOf(scripted.url)).toBe(302)
    expect(scripted.seen.map(({ path }) => path)).toEqual(['/'])
  })

  it.each([401, 407, 421, 425, 503])(
    'is sent once, and has the answer that the server gave: %i',
    async (status) => {
      await using scripted = await startFaultyServer()
      scripted.answer(status, { error: 'invalid_grant' })
      const { fetch, close } = start()
      const request = { ...get(), method: 'POST', body: 'refresh_token=r1' } as const
      const answer = await fetch(scripted.url, request)
      expect(answer.status).toBe(status)
      expect(String(answer.body)).toBe('{"error":"invalid_grant"}')
      expect(scripted.seen).toHaveLength(1)
      close()
    },
  )

  it('has a connection of its own, which ends with it', async () => {
    await using scripted = await startFaultyServer()
    const connections: (string | undefined)[] = []
    const ended: Promise<unknown>[] = []
    scripted.respondWith(({ headers }, response) => {
      connections.push(`${headers.connection ?? ''} ${response.socket?.remotePort ?? 0}`)
      if (response.socket) ended.push(once(response.socket, 'close'))
      response.end('ok')
    })
    const { fetch, close } = start()
    for (const path of ['/1', '/2']) {
      const { body } = await fetch(scripted.url + path, get())
      expect(String(body)).toBe('ok')
    }
    expect(connections).toEqual([
      expect.stringMatching(/^close \d+$/),
      expect.stringMatching(/^close \d+$/),
    ])
    expect(connections[0]).not.toBe(connections[1])
    // Before the fetch is closed: nothing is left that could keep a process alive.
    await Promise.all(ended)
    close()
  })

  it('is broken off when the fetch is closed, and none begins after that', async () => {
    await using scripted = await startFaultyServer()
    const { fetch, close } = start()
    scripted.respondWith(() => {
      close()
    })
    await expect(fetch(scripted.url, get())).rejects.toThrow('The daemon stops.')
    await expect(fetch(scripted.url, get())).rejects.toThrow('The daemon stops.')
    expect(scripted.seen).toHaveLength(1)
  })

  it('leaves no connection behind when it is broken off, and opens no second one', async () => {
    const accepted: Promise<unknown>[] = []
    const silent = createNetServer((socket) => {
      socket.on('error', () => undefined).resume()
      accepted.push(once(socket, 'close'))
    }).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const breakOff = new AbortController()
    silent.once('connection', (socket: Socket) => {
      socket.once('data', () => {
        breakOff.abort()
      })
    })
    const { fetch } = start()
    const request = { ...get(), signal: breakOff.signal }
    await expect(fetch(`http://127.0.0.1:${port}`, request)).rejects.toThrow('aborted')
    await Promise.all(accepted)
    // Accepted after all that connected before it.
    const last = connect(port, '127.0.0.1').end()
    await once(last.resume(), 'close')
    expect(accepted).toHaveLength(2)
    silent.close()
  })

  it('is forgotten when it is over, while the fetch goes on', async () => {
    await using scripted = await startFaultyServer()
    scripted.answer(200, 'ok')
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const { fetch } = start()
    const asked: WeakRef<() => Promise<void>>[] = []
    const request = async () => {
      const beforeFirstByte = async () => undefined
      asked.push(new WeakRef(beforeFirstByte))
      await fetch(scripted.url, { ...get(), beforeFirstByte })
    }
    for (let count = 0; count < 20; count++) await request()
    await until('nothing holds them', () => {
      collectGarbage()
      // The last one may still stand in a frame.
      return asked.slice(0, -1).every((one) => one.deref() === undefined)
    })
  })
})

describe('an answer', () => {
  const BODY = '{"refresh_token":"r2"}'
  const OK = `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`

  it.each([
    { before: 'nothing', interim: '' },
    { before: 'a 100', interim: 'HTTP/1.1 100 Continue\r\n\r\n' },
    {
      before: 'several',
      interim: 'HTTP/1.1 102 Processing\r\nx: y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
    },
    {
      before: 'a 100 that is longer than most',
      interim: `HTTP/1.0 100 C\nx: ${'y'.repeat(9_000)}\n\n`,
    },
    {
      before: 'as many as a server sends that works for long',
      interim: 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(30_000),
      pieces: [100_000],
    },
  ])(
    'is read whole behind interim responses, however it is cut: $before',
    async ({ interim, pieces = [1, 7, 1_000_000] }) => {
      for (const piece of pieces) {
        const server = createNetServer((socket) => {
          socket.setNoDelay()
          socket.once('data', () => {
            void sendInPieces(socket, interim + OK, piece)
          })
        }).listen(0, '127.0.0.1')
        await once(server, 'listening')
        const { fetch, close } = start()
        const { port } = server.address() as AddressInfo
        const { status, body } = await fetch(`http://127.0.0.1:${port}/token`, get())
        expect({ status, text: String(body) }).toEqual({ status: 200, text: BODY })
        close()
        server.close()
      }
    },
  )
})

/** Each piece leaves by itself. */
async function sendInPieces(socket: Socket, content: string, size: number): Promise<void> {
  for (let at = 0; at < content.length; at += size) {
    await new Promise((sent) => socket.write(content.slice(at, at + size), sent))
    await setImmediate()
  }
}

describe('a proxy of the environment', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('in $%s is used', async (name) => {
    await using scripted = await startFaultyServer()
    await using proxy = await startProxy(scripted.port)
    scripted.answer(200, '')
    const env = { [name]: `http://ada:s%40crt@127.0.0.1:${proxy.port}` }
    expect(await statusOf('http://issuer.test/token', { env })).toBe(200)
    expect(proxy.asked).toEqual([
      {
        target: 'issuer.test:80',
        authorization: `Basic ${Buffer.from('ada:s@crt').toString('base64')}`,
      },
    ])
    expect(scripted.seen[0]).toMatchObject({ path: '/token', headers: { host: 'issuer.test' } })
  })

  it('has its tunnel when the last thing before the first byte is asked, once', async () => {
    await using scripted = await startFaultyServer()
    await using proxy = await startProxy(scripted.port)
    scripted.answer(200, '')
    const { fetch } = start({ env: { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` } })
    const seen: object[] = []
    await fetch('http://issuer.test/token', {
      ...get(),
      async beforeFirstByte() {
        seen.push({ tunnels: proxy.asked.length, requests: scripted.seen.length })
      },
    })
    expect(seen).toEqual([{ tunnels: 1, requests: 0 }])
    expect(scripted.seen).toHaveLength(1)
  })

  it.each(['', 'elsewhere.test', 'elsewhere.test,other.test'])(
    'is never used for this machine, whatever NO_PROXY says: "%s"',
    async (NO_PROXY) => {
      await using scripted = await startFaultyServer()
      await using proxy = await startProxy(scripted.port)
      scripted.answer(200, '')
      const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY }
      expect(await statusOf(scripted.url, { env })).toBe(200)
      expect(await statusOf(scripted.url.replace('127.0.0.1', 'localhost'), { env })).toBe(200)
      expect(proxy.asked).toEqual([])
    },
  )

  it.each(['issuer.invalid', '.invalid', 'other.test, issuer.invalid', 'other.test,*', '*'])(
    'is not used for what NO_PROXY names: "%s"',
    async (NO_PROXY) => {
      await using proxy = await startProxy(1)
      const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY }
      await expect(statusOf('http://issuer.invalid/', { env })).rejects.toThrow('fetch failed')
      expect(proxy.asked).toEqual([])
    },
  )

  it('that refuses is told from an issuer that does, and the request never left', async () => {
    await using proxy = await startProxy(1)
    proxy.refuse(407)
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` }
    const refused = await statusOf('http://issuer.test/', { env }).catch((error: unknown) => error)
    expect(describeFault(refused, 'http://issuer.test/')).toEqual({
      message: 'The proxy refused to connect to issuer.test (407).',
      maybeArrived: false,
    })
  })

  it('is understood without a scheme, too', async () => {
    await using scripted = await startFaultyServer()
    await using proxy = await startProxy(scripted.port)
    scripted.answer(200, '')
    const env = { HTTP_PROXY: `127.0.0.1:${proxy.port}` }
    expect(await statusOf('http://issuer.test/token', { env })).toBe(200)
    expect(proxy.asked).toHaveLength(1)
  })

  it.each(['ada:password@proxy example', 'ftp://ada:password@proxy.example'])(
    'that is no URL is an error of the config, which does not repeat it: %s',
    (HTTPS_PROXY) => {
      const { code, message } = configError({ env: { HTTPS_PROXY } })
      expect({ code, message }).toEqual({
        code: 'config',
        message: 'The proxy in $HTTPS_PROXY is not a URL that we can use.',
      })
    },
  )
})

describe('a SOCKS proxy of the environment', () => {
  it.each(['socks5', 'socks', 'SOCKS5'])('is used: %s', async (scheme) => {
    await using scripted = await startFaultyServer()
    await using proxy = await startSocksProxy(scripted.port)
    scripted.answer(200, '')
    const env = { HTTP_PROXY: `${scheme}://ada:s%40crt@127.0.0.1:${proxy.port}` }
    expect(await statusOf('http://issuer.test/token', { env })).toBe(200)
    expect(await statusOf('http://issuer.test:8080/token', { env })).toBe(200)
    expect(proxy.asked).toEqual([
      { target: 'issuer.test:80', user: 'ada:s@crt' },
      { target: 'issuer.test:8080', user: 'ada:s@crt' },
    ])
    expect(scripted.seen[0]).toMatchObject({ path: '/token', headers: { host: 'issuer.test' } })
  })

  it('has its tunnel when the last thing before the first byte is asked, once', async () => {
    await using scripted = await startFaultyServer()
    await using proxy = await startSocksProxy(scripted.port)
    scripted.answer(200, '')
    const { fetch } = start({ env: { HTTP_PROXY: `socks5://127.0.0.1:${proxy.port}` } })
    const seen: object[] = []
    await fetch('http://issuer.test/token', {
      ...get(),
      async beforeFirstByte() {
        seen.push({ tunnels: proxy.asked.length, requests: scripted.seen.length })
      },
    })
    expect(seen).toEqual([{ tunnels: 1, requests: 0 }])
    expect(scripted.seen).toHaveLength(1)
  })

  it('that refuses is told from an issuer that does, and the request never left', async () => {
    await using proxy = await startSocksProxy(1)
    proxy.refuse(5)
    const env = { HTTP_PROXY: `socks5://127.0.0.1:${proxy.port}` }
    const refused = await statusOf('http://issuer.test/', { env }).catch((error: unknown) => error)
    expect(describeFault(refused, 'http://issuer.test/')).toEqual({
      message:
        'The SOCKS proxy did not connect to issuer.test (SOCKS5 connection failed: Connection refused).',
      maybeArrived: false,
    })
  })

  it('is never used for this machine', async () => {
    await using scripted = await startFaultyServer()
    await using proxy = await startSocksProxy(scripted.port)
    scripted.answer(200, '')
    const env = { HTTP_PROXY: `socks5://127.0.0.1:${proxy.port}` }
    expect(await statusOf(scripted.url, { env })).toBe(200)
    expect(proxy.asked).toEqual([])
  })
})

describe('a company CA', () => {
  it.each([
    { fault: 'is not there', content: undefined, says: 'cannot be read: it is not there (ENOENT)' },
    { fault: 'holds no certificate', content: 'hello', says: 'holds no PEM certificate' },
    {
      fault: 'is damaged',
      content: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      says: 'Certificate 1 in',
    },
  ])('that $fault is an error of the config', ({ content, says }) => {
    const ca = join(directory, 'faulty.pem')
    rmSync(ca, { force: true })
    if (content !== undefined) writeFileSync(ca, content)
    const { code, message } = configError({ ca, env: {} })
    expect(code).toBe('config')
    expect(message).toContain(says)
    expect(message).toContain(`${ca}, which "ca" names`)
  })

  const itOpenssl = itNeeds(missingCommands('openssl'))

  describe('with a server that it vouches for', () => {
    const HOST = 'issuer.test'
    let certificates: Certificates
    let server: ReturnType<typeof createServer> | undefined
    let port: number

    beforeAll(async () => {
      if (missingCommands('openssl') !== undefined) return
      certificates = createCertificates(directory, HOST)[0]
      const { key, cert } = certificates
      server = createServer({ key, cert }, (_request, response) => response.end('trusted'))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    })
    afterAll(() => {
      server?.closeAllConnections()
      server?.close()
    })

    /** Through a proxy that takes every name for this machine, as there is no other way to the name. */
    async function trusted(options: Partial<IssuerFetchOptions>): Promise<number> {
      await using proxy = await startProxy(port)
      const env = { ...options.env, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
      const status = await statusOf(`https://${HOST}/`, { ...options, env })
      expect(proxy.asked.map(({ target }) => target)).toEqual([`${HOST}:443`])
      return status
    }

    itOpenssl('is trusted', async () => {
      expect(await trusted({ ca: certificates.ca })).toBe(200)
    })

    itOpenssl(
      'is trusted besides those of $NODE_EXTRA_CA_CERTS, and the other way round',
      async () => {
        const mine = join(directory, 'other')
        writeFileSync(mine, (await import('node:tls')).rootCertificates[0] ?? '')
        const env = { NODE_EXTRA_CA_CERTS: certificates.ca }
        expect(await trusted({ ca: mine, env })).toBe(200)
      },
    )

    itOpenssl('is not trusted unasked, and the request never left', async () => {
      const refused = await trusted({}).catch((error: unknown) => error)
      expect(describeFault(refused, `https://${HOST}/`)).toEqual({
        message: expect.stringMatching(
          /^The certificate of issuer\.test is not trusted \(\w+\); "ca" in the config/,
        ) as string,
        maybeArrived: false,
      })
    })

    itOpenssl('is not trusted under another name', async () => {
      await using proxy = await startProxy(port)
      const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
      const refused = await statusOf('https://evil.test/', { ca: certificates.ca, env }).catch(
        (error: unknown) => error,
      )
      expect(describeFault(refused, 'https://evil.test/')).toMatchObject({
        message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') as string,
        maybeArrived: false,
      })
    })
  })
})
