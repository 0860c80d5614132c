import { once } from 'node:events'
import { request as send } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { Peer } from '../../src/platform/platform.ts'
import { LoopbackPorts, PortClosedError } from '../../src/adapters/loopback/loopback-ports.ts'
import { createRedirectListener } from '../../src/adapters/loopback/redirect-listener.ts'
import type {
  RedirectLease,
  RedirectRequest,
  SignInPage,
} from '../../src/core/redirect-listener.ts'
import { recordingLog } from '../support/builders.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'

const framed = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }

const SIGNED_IN: SignInPage = { ok: true, title: 'Signed in', text: 'You can close this page.' }

const hasIpv6 = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .some(({ address }) => address === '::1')
const itBothFamilies = itNeeds(hasIpv6 ? undefined : 'no IPv6 loopback')
/** Of the loopback network, only Linux has more than one address up. */
const MORE_LOOPBACK = process.platform === 'linux' ? ['127.0.0.2'] : []
const IPV6 = hasIpv6 ? ['::1'] : []

const leases: RedirectLease[] = []
afterEach(() => {
  for (const lease of leases.splice(0)) lease.close()
})

const OURS = 1000

const NO_ANSWERS = { toRequest: async () => undefined, toMalformed: () => '' }

/**
 * @param peer the user that comes.
 * @param holders the users of ports that are taken.
 */
function startListener(
  peer: Peer = { kind: 'user', uid: OURS },
  holders: readonly number[] = [OURS],
) {
  const log = recordingLog()
  const listener = createRedirectListener({
    log,
    uid: OURS,
    peerOf: async () => peer,
    usersOfPort: async () => holders,
  })
  return {
    log,
    listener,
    /** Listens for one sign-in, and keeps what came of it. */
    listen: async (overrides: Partial<RedirectRequest> = {}) => {
      const callbacks: string[] = []
      const visits = { first: 0, second: 0, https: 0 }
      const request: RedirectRequest = {
        redirectUri: `http://localhost:${await freePort()}/signin-callback`,
        state: 'the-state',
        authorizationUrl: 'https://issuer.example/authorize?state=the-state',
        onCallback: async (callback) => {
          callbacks.push(callback.href)
          return SIGNED_IN
        },
        onVisit: () => {
          visits.first += 1
        },
        onSecondVisit: () => {
          visits.second += 1
        },
        onHttps: () => {
          visits.https += 1
        },
        ...overrides,
      }
      const result = await listener.listen(request)
      if (result.kind !== 'listening') throw new Error(result.kind)
      leases.push(result.lease)
      const { redirectUri } = request
      return { redirectUri, callbacks, visits, lease: result.lease, port: portOf(redirectUri) }
    },
  }
}

function someRequest(redirectUri: string): RedirectRequest {
  return {
    redirectUri,
    state: 's',
    authorizationUrl: 'https://issuer.example/',
    onCallback: async () => SIGNED_IN,
    onSecondVisit: () => undefined,
  }
}

/** Another program that listens on a port. */
async function occupy(address = '127.0.0.1') {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** One request to a loopback port; the path is sent as it stands. */
async function ask(
  url: string,
  {
    method = 'GET',
    headers = {},
    path = url.slice(new URL(url).origin.length),
    address = '127.0.0.1',
  } = {},
): Promise<Answer> {
  const { host, port } = new URL(url)
  const outgoing = send({
    host: address,
    port,
    method,
    path,
    agent: false,
    setHost: false,
    headers: { host, ...headers },
  })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [
    NodeJS.ReadableStream & { statusCode: number; headers: Answer['headers'] },
  ]
  return { status: incoming.statusCode, headers: incoming.headers, text: await text(incoming) }
}

/** What comes back for these very bytes. */
async function sent(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  const answer = await text(socket)
  socket.destroy()
  return answer
}

async function sayTlsHello(port: number): Promise<void> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect')
  } finally {
    socket.destroy()
  }
}

/** Whether a program accepts a connection there. */
async function isOpen(port: number, host: string): Promise<boolean> {
  const socket = connect({ port, host })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

describe('a response at the redirect URI', () => {
  it('is handed over as it came, and what comes of it is shown', async () => {
    const { redirectUri, callbacks } = await startListener().listen()
    const url = `${redirectUri}?code=c%2B1&state=the-state&iss=https%3A%2F%2Fissuer.example`
    const answer = await ask(url)
    expect(callbacks).toEqual([url])
    expect(answer).toMatchObject({
      status: 200,
      text: expect.stringContaining('Signed in') as string,
    })
  })

  it('that failed is shown as that', async () => {
    const failed = { ok: false, title: 'Not signed in', text: 'access_denied: No.' }
    const { redirectUri } = await startListener().listen({ onCallback: async () => failed })
    const answer = await ask(`${redirectUri}?error=access_denied&state=the-state`)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('access_denied: No.')
    expect(answer.text).toContain('class="failed"')
  })

  it('is judged once, however often the browser repeats it', async () => {
    const { redirectUri, callbacks } = await startListener().listen()
    const url = `${redirectUri}?code=1&state=the-state`
    const answers = await Promise.all([ask(url), ask(url)])
    answers.push(await ask(url))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(callbacks).toHaveLength(1)
    await ask(`${redirectUri}?code=2&state=the-state`)
    expect(callbacks).toHaveLength(2)
  })

  it.each([
    { state: 'of no sign-in', query: '?code=1&state=another' },
    { state: 'missing', query: '?code=1' },
    { state: 'said twice', query: '?code=1&state=the-state&state=the-state' },
    { state: 'empty', query: '?state=' },
  ])('with a state $state changes nothing', async ({ query }) => {
    const { redirectUri, callbacks } = await startListener().listen()
    expect(await ask(redirectUri + query)).toMatchObject({
      status: 400,
      text: expect.stringContaining('No such sign-in') as string,
    })
    expect(callbacks).toEqual([])
    expect((await ask(`${redirectUri}?code=1&state=the-state`)).status).toBe(200)
  })

  it.each([
    { what: 'another name', change: { headers: { host: 'evil.example' } }, status: 421 },
    { what: 'the address in the place of the name', host: '127.0.0.1', status: 421 },
    { what: 'another method', change: { method: 'POST' }, status: 405 },
    { what: 'HEAD', change: { method: 'HEAD' }, status: 405 },
    { what: 'a fetch by a script', change: { headers: { 'sec-fetch-mode': 'cors' } }, status: 403 },
    { what: 'an image', change: { headers: { 'sec-fetch-mode': 'no-cors' } }, status: 403 },
    { what: 'a frame', change: { headers: framed }, status: 403 },
    { what: 'a WebSocket', change: { headers: { upgrade: 'websocket' } }, status: 403 },
    { what: 'another path', path: '/signin-callback/', status: 404 },
    { what: 'a path that amounts to the right one', path: '/x/../signin-callback', status: 404 },
    { what: 'a path in capitals', path: '/SIGNIN-CALLBACK', status: 404 },
    { what: 'a path with two slashes', path: '//signin-callback', status: 404 },
    { what: 'a whole URL', path: 'http://evil.example/signin-callback', status: 404 },
  ])('by $what changes nothing', async ({ change = {}, host, path, status }) => {
    const { redirectUri, callbacks, port } = await startListener().listen()
    const answer = await ask(`${redirectUri}?code=1&state=the-state`, {
      ...change,
      ...(host !== undefined && { headers: { host: `${host}:${port}` } }),
      ...(path !== undefined && { path: `${path}?code=1&state=the-state` }),
    })
    expect(answer.status).toBe(status)
    expect(callbacks).toEqual([])
  })

  it('is one that a browser navigated to', async () => {
    const { redirectUri } = await startListener().listen()
    const headers = {
      'sec-fetch-mode': 'navigate',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-dest': 'document',
    }
    expect((await ask(`${redirectUri}?state=the-state`, { headers })).status).toBe(200)
  })

  it('is read with 200 KiB of cookies that other programs of localhost have left', async () => {
    const { redirectUri, callbacks } = await startListener().listen()
    const headers = { cookie: `theirs=${'x'.repeat(200 * 1024)}` }
    expect((await ask(`${redirectUri}?state=the-state`, { headers })).status).toBe(200)
    expect(callbacks).toHaveLength(1)
  })

  it.each(['preview=1', 'prefetch', 'Prerender=on; purpose=prefetch'])(
    'is read with the cookie %s of another program',
    async (cookie) => {
      const { redirectUri, callbacks, lease } = await startListener().listen()
      expect((await ask(lease.openUrl, { headers: { cookie } })).status).toBe(302)
      expect((await ask(`${redirectUri}?state=the-state`, { headers: { cookie } })).status).toBe(
        200,
      )
      expect(callbacks).toHaveLength(1)
    },
  )

  it.each([
    {
      what: 'more than 256 KiB of headers',
      bytes: `GET / HTTP/1.1\r\nCookie: ${'x'.repeat(600 * 1024)}\r\n\r\n`,
      status: 431,
      says: 'Too many cookies',
    },
    { what: 'no HTTP', bytes: 'hello\r\n\r\n', status: 400, says: 'Not understood' },
    {
      what: 'two lengths',
      bytes: 'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      status: 400,
      says: 'Not understood',
    },
  ])('with $what gets a page of ours, and changes nothing', async ({ bytes, status, says }) => {
    const { callbacks, port, redirectUri } = await startListener().listen()
    const answer = await sent(port, bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*<h1>${says}`))
    expect(answer).toContain("Content-Security-Policy: default-src 'none'")
    expect(callbacks).toEqual([])
    expect((await ask(`${redirectUri}?state=the-state`)).status).toBe(200)
  })

  it('that meets a mistake of ours is answered without a word about it', async () => {
    const { listen, log } = startListener()
    const { redirectUri } = await listen({ onCallback: () => Promise.reject(new Error('ours')) })
    const answer = await ask(`${redirectUri}?state=the-state`)
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('ours')
    expect(log.lines.map(({ level }) => level)).toEqual(['error'])
  })
})

describe('a sign-in on a machine with several users', () => {
  it.each([
    { who: 'the same user', peer: { kind: 'user', uid: OURS } as const },
    { who: 'root', peer: { kind: 'user', uid: 0 } as const },
    { who: 'a user that the system does not name', peer: { kind: 'unknown' } as const },
  ])('answers $who', async ({ peer }) => {
    const { redirectUri, lease } = await startListener(peer).listen()
    expect((await ask(lease.openUrl)).status).toBe(302)
    expect((await ask(`${redirectUri}?code=1&state=the-state`)).status).toBe(200)
  })

  it.each([
    { who: 'another user', peer: { kind: 'user', uid: OURS + 1 } as const },
    { who: 'a user who has gone already', peer: { kind: 'gone' } as const },
  ])('is not changed by $who, who learns nothing', async ({ peer }) => {
    const { listen, log } = startListener(peer)
    const { redirectUri, lease, callbacks, visits } = await listen()
    for (const url of [lease.openUrl, lease.openUrl, `${redirectUri}?code=1&state=the-state`]) {
      const answer = await ask(url)
      expect(answer).toMatchObject({
        status: 403,
        text: expect.stringContaining('Another user') as string,
      })
      expect(answer.headers.location).toBeUndefined()
    }
    // The address of the link itself could not be pasted.
    expect((await ask(lease.openUrl)).text).toContain('login --no-browser')
    expect(callbacks).toEqual([])
    expect(visits.second).toBe(0)
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn', 'warn'])
    expect(JSON.stringify(log.lines)).not.toContain('the-state')
  })
})

describe('the page', () => {
  it('loads nothing, runs nothing, is kept in no cache and tells no other site', async () => {
    const { redirectUri } = await startListener().listen()
    const { headers, text: html } = await ask(`${redirectUri}?state=the-state`, {
      headers: { connection: 'keep-alive' },
    })
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      connection: 'close',
    })
    expect(String(headers['content-security-policy'])).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
    expect(html).not.toMatch(/<script|<link|<img|src=|href=|url\(|\son\w+=/i)
    expect(html).not.toContain('the-state')
  })

  it('has exactly the style that its policy allows', async () => {
    const { redirectUri } = await startListener().listen()
    const { headers, text: html } = await ask(redirectUri)
    const style = /<style>([\s\S]*)<\/style>/.exec(html)?.[1] ?? ''
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
    const hash = Buffer.from(digest).toString('base64')
    expect(headers['content-security-policy']).toContain(`'sha256-${hash}'`)
  })

  it('shows the words of others as words', async () => {
    const hostile = `</p><script>alert("1")</script>&amp;'`
    const page = { ok: false, title: hostile, text: hostile }
    const { redirectUri } = await startListener().listen({ onCallback: async () => page })
    const { text: html } = await ask(`${redirectUri}?state=the-state`)
    expect(html).not.toContain('<script')
    expect(html.match(/&#60;script&#62;alert\(&#34;1&#34;\)/g)).toHaveLength(3)
    expect(html).toContain('&#38;amp;&#39;')
  })
})

describe('the one-time link', () => {
  it('sends the browser on to the authorization server, once', async () => {
    const { lease, visits } = await startListener().listen()
    const first = await ask(lease.openUrl)
    expect(first).toMatchObject({
      status: 302,
      headers: {
        location: 'https://issuer.example/authorize?state=the-state',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      },
    })
    expect(visits.second).toBe(0)
    const second = await ask(lease.openUrl)
    expect(second.status).toBe(410)
    expect(second.headers.location).toBeUndefined()
    expect(second.text).toContain('This link was used before')
    expect(second.text).not.toContain('the-state')
    expect(visits.second).toBe(1)
  })

  it('cannot be guessed, and says nothing about the sign-in', async () => {
    const { listen } = startListener()
    const links = [await listen(), await listen()].map(({ lease }) => new URL(lease.openUrl))
    for (const { pathname, search } of links) {
      expect(pathname).toMatch(/^\/\.well-known\/evo-token\/[\w-]{22}$/)
      expect(search).toBe('')
    }
    expect(links[0]?.pathname).not.toBe(links[1]?.pathname)
  })

  it.each([
    { by: 'a script', headers: { 'sec-fetch-mode': 'cors' }, status: 403 },
    { by: 'a page with a name of its own', headers: { host: 'evil.example' }, status: 421 },
  ])('is not used up by $by', async ({ headers, status }) => {
    const { lease, visits } = await startListener().listen()
    expect((await ask(lease.openUrl, { headers })).status).toBe(status)
    expect((await ask(lease.openUrl)).status).toBe(302)
    expect(visits.second).toBe(0)
  })

  it.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'Sec-Purpose': 'Prefetch;anonymous-client-ip' },
    { purpose: 'prefetch' },
    { 'x-purpose': 'preview' },
    { 'x-moz': 'prefetch' },
    { 'Sec-Fetch-Purpose': 'prefetch' },
    { 'sec-speculation-tags': '"fast"' },
    { 'x-some-browser': 'Prefetch' },
  ])('and the response are not used up by a browser that looks ahead with %j', async (headers) => {
    const { callbacks, lease, redirectUri, visits } = await startListener().listen()
    const callback = `${redirectUri}?code=1&state=the-state`
    expect((await ask(lease.openUrl, { headers })).status).toBe(503)
    expect((await ask(callback, { headers })).status).toBe(503)
    expect({ callbacks, visits: visits.first }).toEqual({ callbacks: [], visits: 0 })
    expect((await ask(lease.openUrl)).status).toBe(302)
    expect((await ask(callback)).status).toBe(200)
    expect(visits).toMatchObject({ first: 2, second: 0 })
  })

  it('is at the address, where no service worker of localhost is, and answers to both names', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const { lease, port, visits } = await startListener().listen()
      expect(new URL(lease.openUrl).host).toBe(`127.0.0.1:${port}`)
      expect((await ask(lease.openUrl, { headers: { host: `${host}:${port}` } })).status).toBe(302)
      expect((await ask(lease.openUrl)).status).toBe(410)
      expect(visits.second).toBe(1)
    }
  })

  it('alone answers at the address where the redirect URI has the name', async () => {
    const { callbacks, port } = await startListener().listen()
    for (const path of [
      '/',
      '/signin-callback?code=1&state=the-state',
      '/sw.js',
      '/.well-known/evo-token/guessed',
    ]) {
      const headers = { 'service-worker': 'script' }
      expect((await ask(`http://127.0.0.1:${port}${path}`)).status).toBe(421)
      expect((await ask(`http://127.0.0.1:${port}${path}`, { headers })).status).toBe(421)
    }
    expect(callbacks).toEqual([])
  })

  it.each([
    ['http://127.0.0.1:PORT/cb', '127.0.0.1'],
    ...IPV6.map((address) => [`http://[${address}]:PORT/cb`, `[${address}]`]),
  ])('of %s has its host', async (redirectUri, host) => {
    const port = await freePort()
    const { lease } = await startListener().listen({
      redirectUri: redirectUri.replace('PORT', String(port)),
    })
    expect(new URL(lease.openUrl).host).toBe(`${host}:${port}`)
  })

  it('leads nowhere once the sign-in is over', async () => {
    const { lease, visits } = await startListener().listen()
    lease.conclude()
    const answer = await ask(lease.openUrl)
    expect(answer.status).toBe(410)
    expect(answer.headers.location).toBeUndefined()
    expect(visits).toMatchObject({ first: 0, second: 0 })
  })

  it('explains a second visit also where that ends the sign-in', async () => {
    const { listen } = startListener()
    const { lease } = await listen({
      onSecondVisit: () => {
        lease.close()
      },
    })
    await ask(lease.openUrl)
    expect((await ask(lease.openUrl)).text).toContain('This link was used before')
  })

  it('leads a person through to the page at the end', async () => {
    const { listen } = startListener()
    const { redirectUri, port } = await listen({
      authorizationUrl: `http://localhost:${await freePort()}/`,
    })
    const { lease } = await listen({
      redirectUri: `http://localhost:${port}/other`,
      state: 'other',
      // As if the server had asked the person nothing.
      authorizationUrl: `${redirectUri}?state=the-state&code=1`,
    })
    const page = await createPerson('ada').visit(lease.openUrl)
    expect(page).toMatchObject({
      status: 200,
      text: expect.stringContaining('Signed in') as string,
    })
  })
})

describe('a browser that tries https:', () => {
  it('is refused in words of TLS, noticed by the sign-ins of that port, and comes back with http:', async () => {
    const { listen } = startListener()
    const { port, redirectUri, visits } = await listen()
    const elsewhere = await listen()
    // Again and again: Node uses the parsers of ended connections for new ones.
    for (let time = 1; time <= 5; time += 1) {
      await expect(sayTlsHello(port)).rejects.toThrow(/handshake/)
      expect(visits.https).toBe(time)
    }
    expect(elsewhere.visits.https).toBe(0)
    expect((await ask(`${redirectUri}?state=the-state`)).status).toBe(200)
  })
})

/** A service worker's script, asked for as browsers do that have one from another program. */
describe("a service worker's script", () => {
  it.each(['/sw.js', '/service-worker.js?v=3', '/'])(
    'at %s is one that removes itself',
    async (path) => {
      const { callbacks, redirectUri, lease, visits } = await startListener().listen()
      const { origin } = new URL(redirectUri)
      const headers = {
        'service-worker': 'script',
        'sec-fetch-mode': 'same-origin',
        'sec-fetch-dest': 'serviceworker',
      }
      const answer = await ask(origin + path, { headers })
      expect(answer).toMatchObject({
        status: 200,
        headers: { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-store' },
      })
      expect(answer.text).toContain('registration.unregister()')
      expect({ callbacks, visits: visits.first }).toEqual({ callbacks: [], visits: 0 })
      expect((await ask(lease.openUrl)).status).toBe(302)
    },
  )
})

describe('the port', () => {
  it.each([
    { host: 'localhost', open: ['127.0.0.1', ...IPV6], closed: MORE_LOOPBACK },
    { host: '127.0.0.1', open: ['127.0.0.1'], closed: [...IPV6, ...MORE_LOOPBACK] },
    ...IPV6.map((address) => ({ host: `[${address}]`, open: [address], closed: ['127.0.0.1'] })),
    ...MORE_LOOPBACK.map((address) => ({
      host: address,
      open: [address],
      closed: ['127.0.0.1', ...IPV6],
    })),
  ])('of $host is open at $open only', async ({ host, open, closed }) => {
    const port = await freePort()
    await startListener().listen({ redirectUri: `http://${host}:${port}/cb` })
    const elsewhere = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, scopeid }) => !internal && !scopeid)
      .map(({ address }) => address)
    for (const address of open) expect(await isOpen(port, address)).toBe(true)
    for (const address of [...closed, ...elsewhere]) expect(await isOpen(port, address)).toBe(false)
  })

  itBothFamilies('answers on both families', async () => {
    const { redirectUri } = await startListener().listen()
    const url = `${redirectUri}?state=the-state`
    expect((await ask(url, { address: '::1' })).status).toBe(200)
    expect((await ask(url, { address: '127.0.0.1' })).status).toBe(200)
  })

  it.each(['127.0.0.1', ...IPV6])('is busy where another program has it on %s', async (address) => {
    const other = await occupy(address)
    const { port } = other
    const { listener } = startListener()
    const request = someRequest(`http://localhost:${port}/cb`)
    expect(await listener.listen(request)).toEqual({ kind: 'busy', port, holder: 'own' })
    // The half that could be had was given back.
    const free = address === '::1' ? '127.0.0.1' : '::1'
    expect(await isOpen(port, free)).toBe(false)
    await other[Symbol.asyncDispose]()
    const again = await listener.listen(request)
    if (again.kind !== 'listening') throw new Error(again.kind)
    again.lease.close()
  })

  it.each([
    { holders: [OURS], holder: 'own' },
    { holders: [0], holder: 'own' },
    { holders: [OURS + 1], holder: 'other' },
    { holders: [OURS, OURS + 1], holder: 'other' },
    { holders: [], holder: 'unknown' },
  ])('taken by $holders is $holder', async ({ holders, holder }) => {
    await using other = await occupy()
    const { listener } = startListener(undefined, holders)
    const busy = { kind: 'busy', port: other.port, holder }
    expect(await listener.listen(someRequest(`http://localhost:${other.port}/cb`))).toEqual(busy)
  })

  it('that is taken leaves the link a free one, which answers nothing else', async () => {
    await using other = await occupy()
    const { listener } = startListener()
    const lease = await listener.listenForLink(someRequest(`http://localhost:${other.port}/cb`))
    leases.push(lease)
    const { origin, port } = new URL(lease.openUrl)
    expect(Number(port)).not.toBe(other.port)
    expect(listener.ports()).toEqual([])
    for (const path of ['/', '/cb?code=1&state=s'])
      expect((await ask(origin + path)).status).toBe(421)
    expect(await ask(lease.openUrl)).toMatchObject({
      status: 302,
      headers: { location: 'https://issuer.example/' },
    })
    lease.close()
    expect(await isOpen(Number(port), '127.0.0.1')).toBe(false)
  })

  it.each(['http://localhost:0/cb', 'http://localhost:6000/cb', 'http://[::1]:5060/cb'])(
    'of %s is closed: no browser goes there',
    async (redirectUri) => {
      const { listener } = startListener()
      expect(await listener.listen(someRequest(redirectUri))).toEqual({ kind: 'closed' })
      expect(listener.ports()).toEqual([])
    },
  )

  it.skipIf(process.platform !== 'linux')(
    'on an address that this machine does not have is closed',
    async () => {
      const port = await freePort()
      const listener = new LoopbackPorts(NO_ANSWERS, () => undefined)
      // RFC 5737: of documentation alone.
      await expect(listener.acquire(['192.0.2.1'], port)).rejects.toThrow(PortClosedError)
      const lease = await listener.acquire(['127.0.0.1', '192.0.2.1'], port)
      expect(lease.addresses).toEqual(['127.0.0.1'])
      lease.release()
    },
  )

  it('is named while it is open for a sign-in', async () => {
    const { listen, listener } = startListener()
    const { lease, port } = await listen()
    expect(listener.ports()).toEqual([port])
    lease.close()
    expect(listener.ports()).toEqual([])
  })

  it.each([
    'https://localhost:3000/cb',
    'http://app.example/cb',
    'http://192.168.0.7:3000/cb',
    'http://localhost.example:3000/cb',
    'http://127.0.0.1.example:3000/cb',
    'evo-app://callback',
  ])('of %s is not here', async (redirectUri) => {
    expect(await startListener().listener.listen(someRequest(redirectUri))).toEqual({
      kind: 'remote',
    })
  })

  it('is shared by sign-ins that wait together, and closed with the last of them', async () => {
    const { listen } = startListener()
    const first = await listen()
    const second = await listen({ redirectUri: first.redirectUri, state: 'second' })
    const third = await listen({ redirectUri: `http://127.0.0.1:${first.port}/x`, state: 'third' })
    await ask(`${first.redirectUri}?state=second`)
    await ask(`http://127.0.0.1:${first.port}/x?state=third`)
    // Each at its own address only.
    expect((await ask(`${first.redirectUri}?state=third`)).status).toBe(400)
    expect([first, second, third].map(({ callbacks }) => callbacks.length)).toEqual([0, 1, 1])

    first.lease.close()
    first.lease.close()
    expect((await ask(`${first.redirectUri}?state=the-state`)).status).toBe(400)
    expect((await ask(`${first.redirectUri}?state=second`)).status).toBe(200)
    second.lease.close()
    for (const address of IPV6) expect(await isOpen(first.port, address)).toBe(false)
    expect(await isOpen(first.port, '127.0.0.1')).toBe(true)
    third.lease.close()
    expect(await isOpen(first.port, '127.0.0.1')).toBe(false)
  })

  it('is opened once for sign-ins that start together', async () => {
    const { listen } = startListener()
    const redirectUri = `http://localhost:${await freePort()}/cb`
    const both = await Promise.all([
      listen({ redirectUri, state: '1' }),
      listen({ redirectUri, state: '2' }),
    ])
    both[0].lease.close()
    expect((await ask(`${redirectUri}?state=2`)).status).toBe(200)
  })

  it('is free at once, whatever connections browsers keep', async () => {
    const { listen } = startListener()
    const { redirectUri, lease, port } = await listen()
    const idle: Socket[] = []
    for (const address of ['127.0.0.1', '127.0.0.1', ...IPV6]) {
      const socket = connect({ port, host: address })
      await once(socket, 'connect')
      idle.push(socket)
    }
    idle[1]?.write('GET /signin-callback HTTP/1.1\r\nHost: loc')
    await ask(`${redirectUri}?state=the-state`)
    const cut = idle.map((socket) => once(socket, 'close'))
    lease.close()
    // No pause: another program can have it now.
    const next = createServer().listen(port, '127.0.0.1')
    await once(next, 'listening')
    next.close()
    await Promise.all(cut)
  })

  it('is given up while the callback is being answered, which still arrives', async () => {
    const { listen } = startListener()
    const page = { ...SIGNED_IN, text: 'x'.repeat(100_000) }
    const { redirectUri, lease, port } = await listen({
      onCallback: async () => {
        lease.close()
        expect(await isOpen(port, '127.0.0.1')).toBe(false)
        return page
      },
    })
    expect((await ask(`${redirectUri}?state=the-state`)).text).toContain(page.text)
  })
})
