import { execFileSync } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createClient } from '../../src/client/connection.ts'
import { exchange } from '../../src/client/wire.ts'
import { itNeeds } from '../support/needs.ts'
import { listen, run, startStandIn, token, writeEndpoint } from './stand-in.ts'

const TOKEN = { 'GET /v1/apps/evo-me/token': () => ({ json: token() }) }
const KEY = `evtk_${'k'.repeat(43)}`
const asRoot = process.getuid?.() === 0 ? undefined : 'only root can give files away'

describe('the owner socket', () => {
  it('is the one that is named', async () => {
    await using daemon = await startStandIn(TOKEN)
    const elsewhere = { env: { HOME: '/nonexistent' } }
    const { code } = await run(elsewhere, ['get', 'evo-me', '--socket', daemon.socket])
    expect(code).toBe(0)
  })

  it('is the one that endpoint.json tells of, before the usual one', async () => {
    await using daemon = await startStandIn(TOKEN)
    await using usual = await startStandIn(TOKEN)
    writeEndpoint(usual, { socket: daemon.socket, pid: 1 })
    expect(await run(usual, ['get', 'evo-me'])).toMatchObject({ code: 0 })
    expect(daemon.asked).toHaveLength(1)
  })

  it('is the usual one where endpoint.json is left over from a daemon that is gone', async () => {
    await using daemon = await startStandIn(TOKEN)
    writeEndpoint(daemon, { socket: join(daemon.directory, 'gone.sock'), pid: 1 })
    expect(await run(daemon, ['get', 'evo-me'])).toMatchObject({ code: 0 })
  })

  it('is not one from an endpoint.json that others may write', async () => {
    await using daemon = await startStandIn(TOKEN)
    await using usual = await startStandIn(TOKEN)
    writeEndpoint(usual, { socket: daemon.socket, pid: 1 })
    chmodSync(join(usual.stateDir, 'endpoint.json'), 0o666)
    await run(usual, ['get', 'evo-me'])
    expect(daemon.asked).toHaveLength(0)
  })

  it('is not used in a directory that others may write to', async () => {
    await using daemon = await startStandIn(TOKEN)
    chmodSync(daemon.directory, 0o777)
    for (const args of [
      ['get', 'evo-me'],
      ['get', 'evo-me', '--socket', daemon.socket],
    ]) {
      const { code, stderr } = await run(daemon, args)
      expect(code).toBe(4)
      expect(stderr).toContain(`others may write to "${daemon.directory}"`)
    }
    expect(daemon.asked).toHaveLength(0)
  })

  it('is judged by where a link leads', async () => {
    await using daemon = await startStandIn(TOKEN)
    const open = join(daemon.directory, 'open')
    mkdirSync(open)
    await using inside = await startStandIn(TOKEN)
    const link = join(inside.directory, 'link.sock')
    symlinkSync(daemon.socket, link)
    expect(await run(inside, ['get', 'evo-me', '--socket', link])).toMatchObject({ code: 0 })
    chmodSync(daemon.directory, 0o777)
    expect(await run(inside, ['get', 'evo-me', '--socket', link])).toMatchObject({ code: 4 })
  })

  itNeeds(asRoot)('is not used where another user owns it, unless root names it', async () => {
    await using daemon = await startStandIn(TOKEN)
    chownSync(daemon.socket, 1234, 1234)
    const found = await run(daemon, ['get', 'evo-me'])
    expect(found.code).toBe(4)
    expect(found.stderr).toContain('belongs to another user (uid 1234)')
    const named = await run(daemon, ['get', 'evo-me', '--socket', daemon.socket])
    expect(named).toMatchObject({ code: 0 })
  })

  it('is not used where its path is so long that another socket would be reached', async () => {
    await using daemon = await startStandIn(TOKEN)
    const deep = join(daemon.directory, 'd'.repeat(100))
    mkdirSync(deep)
    writeFileSync(join(deep, 'owner.sock'), '')
    const { code, stderr } = await run(daemon, ['get', 'evo-me', '--socket', `${deep}/owner.sock`])
    expect(code).toBe(4)
    expect(stderr).toContain('must not be longer than 100 bytes')
  })

  it('is missed with the way to a config where there is none, and no daemon has run', async () => {
    await using daemon = await startStandIn(TOKEN)
    rmSync(daemon.socket)
    const state = join(daemon.directory, 'state')
    const more = { XDG_CONFIG_HOME: daemon.directory, EVO_TOKEN_STATE_DIR: state }
    const before = await run(daemon, ['get', 'evo-me'], { more })
    expect([before.code, before.stderr]).toEqual([4, expect.stringContaining('`evo-token init`')])

    mkdirSync(join(daemon.directory, 'evo-token'), { recursive: true })
    writeFileSync(join(daemon.directory, 'evo-token/config.json'), '{}')
    const after = await run(daemon, ['get', 'evo-me'], { more })
    expect(after.stderr).not.toContain('evo-token init')
  })

  it('is missed with the way to start the daemon', async () => {
    await using daemon = await startStandIn(TOKEN)
    rmSync(daemon.socket)
    const { code, stderr } = await run(daemon, ['get', 'evo-me'])
    expect(code).toBe(4)
    expect(stderr).toContain(`there is no "${daemon.socket}"`)
    expect(stderr).toContain('; there is no "/run/evo-token/owner.sock"')
    expect(stderr).toContain('evo-token serve')
  })

  it('is missed as well where a daemon was killed and left it', async () => {
    await using daemon = await startStandIn(TOKEN)
    const left = join(daemon.directory, 'left.sock')
    writeFileSync(left, '')
    const { code, stderr } = await run(daemon, ['get', 'evo-me', '--socket', left])
    expect(code).toBe(4)
    expect(stderr).toContain(`"${left}" gives ECONNREFUSED`)
  })
})

describe('an answer that is none of ours', () => {
  /** A program that sends `bytes` to each client, and closes. */
  async function against(bytes: string, more?: (socket: Socket) => void) {
    await using home = await startStandIn({})
    const path = join(home.directory, 'other.sock')
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write(bytes)
        if (more) more(socket)
        else socket.end()
      })
    })
    await listen(server as never, path)
    try {
      return await run(home, ['get', 'evo-me', '--socket', path])
    } finally {
      server.close()
    }
  }

  const json = JSON.stringify(token())

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'does not speak HTTP'],
    ['HTTP of the future', 'HTTP/2.0 200 OK\r\n\r\n', 'does not speak HTTP'],
    ['no status', 'HTTP/1.1 fine\r\n\r\n', 'does not speak HTTP'],
    ['a page', 'HTTP/1.1 200 OK\r\n\r\n<html>captive</html>', "but not with the daemon's JSON"],
    ['a page with an error', 'HTTP/1.1 502 Bad\r\n\r\n<html>', 'answered 502'],
    ['JSON that is no problem', `HTTP/1.1 404 No\r\n\r\n{"error":"x"}`, 'answered 404'],
    ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: http://evil/\r\n\r\n', 'answered 302'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-', 'cut short'],
    [
      'half a body',
      `HTTP/1.1 200 OK\r\nContent-Length: ${json.length}\r\n\r\n${json.slice(0, 20)}`,
      'cut short',
    ],
    ['nothing', '', 'cut short'],
    ['a list', 'HTTP/1.1 200 OK\r\n\r\n["x"]', "not with the daemon's JSON"],
  ])('such as %s ends with 4', async (_, bytes, said) => {
    const { code, stdout, stderr } = await against(bytes)
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toContain(said)
  })

  it('such as one without an end is not read to its end', async () => {
    const { code, stderr } = await against('HTTP/1.1 200 OK\r\n\r\n', (socket) => {
      const pour = () => {
        while (socket.writable && socket.write('x'.repeat(64 * 1024)));
        socket.once('drain', pour)
      }
      pour()
    })
    expect(code).toBe(4)
    expect(stderr).toContain('too large')
  })

  it('is taken as ours whatever the size of its pieces', async () => {
    const whole = `HTTP/1.1 200 OK\r\nContent-Length: ${json.length}\r\n\r\n${json}`
    const { code, stdout } = await against('', (socket) => {
      const next = (at: number) => {
        if (at === whole.length) return
        socket.write(whole.charAt(at), () => {
          setImmediate(next, at + 1)
        })
      }
      next(0)
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'opaque-token-of-evo-me\n' })
  })

  it('is waited for only so long', async () => {
    await using home = await startStandIn({})
    const path = join(home.directory, 'silent.sock')
    const server: Server = createServer(() => undefined)
    await listen(server as never, path)
    const connection = { socket: connect(path), headers: {}, place: 'silent' }
    expect(await exchange(connection, { path: '/', timeoutMs: 20 })).toBe(
      'it did not answer within 0.02 seconds',
    )
    expect(connection.socket.destroyed).toBe(true)
    server.close()
  })
})

describe('the daemon over TCP', () => {
  interface Tcp extends AsyncDisposable {
    readonly url: string
    readonly asked: {
      readonly url: string
      readonly key: string | undefined
      readonly port: number
    }[]
  }

  /** A daemon, or a program in its place that knows `key`. */
  async function startTcp(key: string): Promise<Tcp> {
    const asked: Tcp['asked'] = []
    const server = createHttpServer((request, response) => {
      const { url = '', headers, socket } = request
      asked.push({ url, key: headers.authorization, port: socket.remotePort ?? 0 })
      const query = new URL(url, 'http://x').searchParams
      const proof = createHmac('sha256', createHash('sha256').update(key).digest())
        .update(query.get('nonce') ?? '')
        .digest('hex')
      const json = url.startsWith('/healthz') ? { status: 'ok', proof } : token()
      const body = JSON.stringify(json)
      const head = { 'Content-Type': 'application/json', 'Content-Length': body.length }
      response.writeHead(200, head).end(body)
    })
    const port = await listen(server, 0)
    return {
      url: `http://127.0.0.1:${port}`,
      asked,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections()
        server.close()
      },
    }
  }

  /** A home whose daemon is asked over TCP, with the key of the caller `local` in its state directory. */
  async function startHome() {
    const home = await startStandIn({})
    const keyFile = join(home.stateDir, 'access-key')
    writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 })
    return { ...home, keyFile, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() }
  }

  it('gets the key on the very connection on which it proved to know it', async () => {
    await using tcp = await startTcp(KEY)
    await using home = await startHome()
    const { code, stdout } = await run(home, ['get', 'evo-me', '--url', tcp.url])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'opaque-token-of-evo-me\n' })
    const [proof, asked] = tcp.asked
    expect(decodeURIComponent(proof?.url ?? '')).toMatch(
      /^\/healthz\?caller=local&nonce=[0-9a-f]{48}@127\.0\.0\.1:\d+$/,
    )
    expect(proof?.key).toBeUndefined()
    expect(asked).toEqual({
      url: '/v1/apps/evo-me/token',
      key: `Bearer ${KEY}`,
      port: proof?.port,
    })
  })

  it('never sees the key where it cannot prove that it knows it', async () => {
    await using squatter = await startTcp('evtk_something-else')
    await using home = await startHome()
    const { code, stderr } = await run(home, ['get', 'evo-me', '--url', squatter.url])
    expect(code).toBe(6)
    expect(stderr).toContain('the key was not shown')
    expect(stderr).not.toContain(KEY)
    expect(squatter.asked).toHaveLength(1)
    expect(squatter.asked[0]?.key).toBeUndefined()
  })

  it('is asked for the proof with a new nonce each time, in the name of the caller', async () => {
    await using tcp = await startTcp(KEY)
    await using home = await startHome()
    const args = ['get', 'evo-me', '--url', tcp.url, '--caller', 'notebook']
    await run(home, args)
    await run(home, args)
    const nonces = tcp.asked.flatMap(({ url }) => /caller=notebook&nonce=(.*)/.exec(url)?.[1] ?? [])
    expect(new Set(nonces).size).toBe(2)
  })

  it('is found by the environment, but only by callers', async () => {
    await using tcp = await startTcp(KEY)
    await using home = await startHome()
    const more = { EVO_TOKEN_URL: tcp.url, EVO_TOKEN_KEY_FILE: home.keyFile }
    expect(await run(home, ['get', 'evo-me'], { more })).toMatchObject({ code: 0 })
    await run(home, ['reload'], { more })
    expect(home.asked.map(({ url }) => url)).toEqual(['/v1/reload'])
  })

  describe('where another program has the place of the socket', () => {
    /** It sends `bytes` to all who ask. */
    async function startOther(home: { readonly directory: string }, bytes: string) {
      const path = join(home.directory, 'other.sock')
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => socket.end(bytes))
      })
      await listen(server as never, path)
      return { path, [Symbol.dispose]: () => server.close() }
    }

    const PAGE = 'HTTP/1.1 200 OK\r\n\r\n<html>another</html>'

    it.each([
      ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
      ['a page', PAGE],
      ['nothing', ''],
    ])('is asked as well where that sends %s', async (_, bytes) => {
      await using tcp = await startTcp(KEY)
      await using home = await startHome()
      using other = await startOther(home, bytes)
      writeEndpoint(home, { socket: other.path, url: tcp.url, pid: 1 })
      const { code, stdout } = await run(home, ['get', 'evo-me'])
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'opaque-token-of-evo-me\n' })
      const named = await run(home, ['get', 'evo-me', '--socket', other.path])
      expect(named).toMatchObject({ code: 4, stdout: '' })
    })

    it('is asked for a refresh only where the first certainly did nothing', async () => {
      await using tcp = await startTcp(KEY)
      await using home = await startHome()
      const client = createClient({ env: home.env })
      const refresh = { method: 'POST', path: '/v1/apps/evo-me/refresh' } as const
      for (const [bytes, asks] of [
        ['', 0],
        [PAGE, 2],
      ] as const) {
        using other = await startOther(home, bytes)
        writeEndpoint(home, { socket: other.path, url: tcp.url, pid: 1 })
        const answer = client.ask(refresh)
        if (asks === 0) await expect(answer).rejects.toMatchObject({ code: 'not_running' })
        else expect(await answer).toMatchObject({ app: 'evo-me' })
        expect(tcp.asked).toHaveLength(asks)
      }
    })

    it('is shown no key unless it proves to know it, and the first failure is told', async () => {
      await using squatter = await startTcp('evtk_something-else')
      await using home = await startHome()
      using other = await startOther(home, PAGE)
      writeEndpoint(home, { socket: other.path, url: squatter.url, pid: 1 })
      const { code, stderr } = await run(home, ['get', 'evo-me'])
      expect(code).toBe(4)
      expect(stderr).toContain("but not with the daemon's JSON")
      expect(squatter.asked.map(({ key }) => key)).toEqual([undefined])
    })
  })

  it('is not asked where a socket is named', async () => {
    await using tcp = await startTcp(KEY)
    await using home = await startHome()
    const more = { EVO_TOKEN_URL: tcp.url }
    await run(home, ['get', 'evo-me', '--socket', home.socket], { more })
    expect(tcp.asked).toHaveLength(0)
  })

  it.each([
    'http://192.0.2.1:13860',
    'http://example.com:13860',
    'http://localhost.example.com:13860',
    'https://127.0.0.1:13860',
    'http://127.0.0.1:13860/other',
    'http://user@127.0.0.1:13860',
    'http://127.0.0.1.nip.io:13860',
    'not a URL',
  ])('is never at %s', async (url) => {
    await using home = await startHome()
    const { code, stderr } = await run(home, ['get', 'evo-me', '--url', url])
    expect(code).toBe(2)
    expect(stderr).toContain('is not the URL of a daemon on this machine')
  })

  it('is not shown a key that others may read', async () => {
    await using tcp = await startTcp(KEY)
    await using home = await startHome()
    chmodSync(home.keyFile, 0o640)
    const { code, stderr } = await run(home, ['get', 'evo-me', '--url', tcp.url])
    expect(code).toBe(2)
    expect(stderr).toContain(`chmod 600 ${home.keyFile}`)
    expect(tcp.asked).toHaveLength(0)
  })

  it.each([
    ['a file that is not there', undefined, 'ENOENT'],
    ['a file without a key', 'a key?\nno, two lines\n', 'does not hold an access key'],
  ])('is not asked with %s', async (_, content, said) => {
    await using tcp = await startTcp(KEY)
    await using home = await startHome()
    const keyFile = join(home.directory, 'other-key')
    if (content !== undefined) writeFileSync(keyFile, content, { mode: 0o600 })
    const { code, stderr } = await run(home, [
      ...['get', 'evo-me', '--url', tcp.url],
      ...['--key-file', keyFile],
    ])
    expect(code).toBe(2)
    expect(stderr).toContain(said)
    expect(stderr).not.toContain('two lines')
    expect(tcp.asked).toHaveLength(0)
  })

  it.each([
    ['/dev/zero', 'it is no file'],
    ['/dev/tty', 'it is no file'],
    ['pipe', 'it is no file'],
    ['/proc/kmsg', /does not hold an access key|others may read|cannot be read/],
  ])('is not asked with %s in the place of a key file, and nothing waits', async (name, said) => {
    await using tcp = await startTcp(KEY)
    await using home = await startHome()
    const keyFile = name.startsWith('/') ? name : join(home.directory, name)
    if (name === 'pipe') execFileSync('mkfifo', ['-m', '600', keyFile])
    const { code, stderr } = await run(home, [
      ...['get', 'evo-me', '--url', tcp.url],
      ...['--key-file', keyFile],
    ])
    expect(code).toBe(2)
    expect(stderr).toMatch(said)
    expect(tcp.asked).toHaveLength(0)
  })

  it('is missed where nothing listens', async () => {
    const tcp = await startTcp(KEY)
    await tcp[Symbol.asyncDispose]()
    await using home = await startHome()
    const { code, stderr } = await run(home, ['get', 'evo-me', '--url', tcp.url])
    expect(code).toBe(4)
    expect(stderr).toContain('ECONNREFUSED')
  })
})
