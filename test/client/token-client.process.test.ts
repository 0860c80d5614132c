/** The client for programs: what it keeps, whom it asks, and what it says when that fails. */
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { authorizedFetch, EvoTokenError, TokenClient } from '../../src/client/index.ts'
import { type Asked, listen, type Routes, startStandIn, status, token } from '../cli/stand-in.ts'

const NAMED = { app: 'evo-me', access_token: 'first-token-of-evo-me' }

/** A daemon whose tokens live `expires_in` seconds and are different ones each time. */
function tokens({ expiresInS = 3000 }: { expiresInS?: number | null } = {}) {
  let count = 0
  const next = () => ({
    json: token({ access_token: `token-number-${++count}`, expires_in: expiresInS }),
  })
  return {
    'GET /v1/apps/evo-me/token': next,
    'GET /v1/apps/evo-me/token?min_ttl=3600': next,
    'POST /v1/apps/evo-me/refresh': next,
  } satisfies Routes
}

const paths = (asked: readonly Asked[]) => asked.map(({ method, url }) => `${method} ${url}`)

/** What `promise` is rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<EvoTokenError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof EvoTokenError) return error
  throw new Error('it did not fail as it should', { cause: error })
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

describe('a token', () => {
  it('is asked for once, however many want it, and kept', async () => {
    await using daemon = await startStandIn(tokens())
    const client = new TokenClient({ socket: daemon.socket })
    const got = await Promise.all(Array.from({ length: 50 }, () => client.getToken('evo-me')))
    expect(new Set(got.map(({ value }) => value))).toEqual(new Set(['token-number-1']))
    expect(await client.getToken('evo-me')).toBe(got[0])
    expect(daemon.asked).toHaveLength(1)
  })

  it('is kept until a minute before its end', async () => {
    await using daemon = await startStandIn(tokens())
    const client = new TokenClient({ socket: daemon.socket })
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const first = await client.getToken('evo-me')
    vi.advanceTimersByTime(2_939_000)
    expect(await client.getToken('evo-me')).toBe(first)
    vi.advanceTimersByTime(1_000)
    expect((await client.getToken('evo-me')).value).toBe('token-number-2')
  })

  it('without an end lives for ever, and is asked for again within the hour', async () => {
    await using daemon = await startStandIn(tokens({ expiresInS: null }))
    const client = new TokenClient({ socket: daemon.socket })
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    const first = await client.getToken('evo-me', { minTtlS: 3600 })
    expect(first).toMatchObject({ expiresAt: null, remainingS: Infinity, isFresh: true })
    expect(String(first)).toContain(`${first.fingerprint}, without an end`)
    vi.advanceTimersByTime(3_599_000)
    expect(await client.getToken('evo-me', { minTtlS: 1e9 })).toBe(first)
    vi.advanceTimersByTime(1_000)
    expect((await client.getToken('evo-me')).value).toBe('token-number-2')
    expect(first.remainingS).toBe(Infinity)
  })

  it.each(['Date', 'performance'] as const)('ages by %s alone as well', async (clock) => {
    await using daemon = await startStandIn(tokens())
    const client = new TokenClient({ socket: daemon.socket })
    const first = await client.getToken('evo-me')
    vi.useFakeTimers({ toFake: [clock], now: Date.now() })
    vi.advanceTimersByTime(clock === 'Date' ? 2_990_000 : performance.now() + 9_000_000)
    expect(first.remainingS).toBeLessThan(30)
    expect(first.isFresh).toBe(false)
  })

  it('is another one where that lives too short a time', async () => {
    await using daemon = await startStandIn(tokens())
    const client = new TokenClient({ socket: daemon.socket })
    await client.getToken('evo-me')
    await client.getToken('evo-me', { minTtlS: 3599.5 })
    expect(paths(daemon.asked)[1]).toBe('GET /v1/apps/evo-me/token?min_ttl=3600')
    expect(client.cached('evo-me')?.value).toBe('token-number-2')
    expect(client.cached('evo-me', { minTtlS: 3600 })).toBeUndefined()
  })

  it('does not show itself', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me/token': () => ({ json: token(NAMED) }),
    })
    const one = await new TokenClient({ socket: daemon.socket }).getToken('evo-me')
    const shown = [
      String(one),
      JSON.stringify({ one }),
      inspect({ one }),
      Object.values(one).join(),
    ]
    expect(shown.join('\n')).not.toContain(NAMED.access_token)
    const sha256 = createHash('sha256').update(NAMED.access_token).digest('hex')
    expect(one).toMatchObject({
      value: NAMED.access_token,
      authorization: `Bearer ${NAMED.access_token}`,
      app: 'evo-me',
      tokenType: 'Bearer',
      scope: 'evo.discovery evo.workspace',
      sha256,
      fingerprint: sha256.slice(0, 8),
    })
    expect(one.remainingS).toBeGreaterThan(2_900)
    expect(one.expiresAt?.getTime()).toBeGreaterThan(Date.now() + 2_900_000)
    expect(shown[0]).toContain(one.fingerprint)
  })

  it('is of the app that the environment names, if any', async () => {
    await using daemon = await startStandIn(tokens())
    const client = new TokenClient({ socket: daemon.socket })
    vi.stubEnv('EVO_TOKEN_APP', '')
    expect(await failureOf(client.getToken())).toMatchObject({ code: 'invalid_request' })
    vi.stubEnv('EVO_TOKEN_APP', 'evo-me')
    expect(await client.getToken()).toMatchObject({ app: 'evo-me' })
  })

  it.each([
    ['no token', { access_token: undefined }],
    ['a line break in it', { access_token: 'a\r\nX-Evil: b' }],
    ['no end', { expires_in: 'soon' }],
  ])('is not one with %s', async (_, change) => {
    const json = token(change)
    await using daemon = await startStandIn({ 'GET /v1/apps/evo-me/token': () => ({ json }) })
    const failure = await failureOf(new TokenClient({ socket: daemon.socket }).getToken('evo-me'))
    expect(failure.message).toContain('its answer holds no token')
  })
})

describe('a token that an API refused', () => {
  it('is reported once by all who met it, and replaced for all', async () => {
    await using daemon = await startStandIn(tokens())
    const client = new TokenClient({ socket: daemon.socket })
    const first = await client.getToken('evo-me')
    const others = await Promise.all(Array.from({ length: 20 }, () => client.reportRejected(first)))
    expect(new Set(others.map(({ value }) => value))).toEqual(new Set(['token-number-2']))
    expect(daemon.asked[1]).toMatchObject({
      method: 'POST',
      url: '/v1/apps/evo-me/refresh',
      body: { rejected_sha256: first.sha256 },
    })
    // Who comes late gets what is here.
    expect((await client.reportRejected(first)).value).toBe('token-number-2')
    expect((await client.getToken('evo-me')).value).toBe('token-number-2')
    expect(daemon.asked).toHaveLength(2)
  })

  it('is handed to no caller while another one is fetched', async () => {
    const hold = new EventEmitter()
    const routes = tokens()
    await using daemon = await startStandIn({
      ...routes,
      async 'POST /v1/apps/evo-me/refresh'() {
        await once(hold, 'go')
        return routes['POST /v1/apps/evo-me/refresh']()
      },
    })
    const client = new TokenClient({ socket: daemon.socket })
    const first = await client.getToken('evo-me')
    const reported = client.reportRejected(first)
    expect((await client.getToken('evo-me')).value).not.toBe(first.value)
    hold.emit('go')
    expect((await reported).value).toBe('token-number-3')
  })
})

describe('a daemon', () => {
  it('that refuses says why, and what to do', async () => {
    const problem = { error: 'login_required', detail: 'Nobody is signed in.', hint: 'Sign in.' }
    await using daemon = await startStandIn({ 'GET /v1/apps/evo-me/token': () => ({ problem }) })
    const failure = await failureOf(new TokenClient({ socket: daemon.socket }).getToken('evo-me'))
    expect(failure).toMatchObject({
      name: 'EvoTokenError',
      code: 'login_required',
      message: 'Nobody is signed in.',
      hint: 'Sign in.',
    })
    expect(daemon.asked).toHaveLength(1)
  })

  it('that refused once is asked again by the next', async () => {
    let refuses = true
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me/token': () =>
        refuses ? { problem: { error: 'unavailable' } } : { json: token() },
    })
    const client = new TokenClient({ socket: daemon.socket })
    expect(await failureOf(client.getToken('evo-me'))).toMatchObject({ code: 'unavailable' })
    refuses = false
    expect(await client.getToken('evo-me')).toMatchObject({ app: 'evo-me' })
  })

  it('that is being restarted is asked once more, and no more often', async () => {
    let stopping = 1
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me/token': () =>
        stopping-- > 0 ? { problem: { error: 'stopping' } } : { json: token() },
    })
    const client = new TokenClient({ socket: daemon.socket })
    expect(await client.getToken('evo-me')).toMatchObject({ app: 'evo-me' })
    stopping = 2
    const other = new TokenClient({ socket: daemon.socket })
    expect(await failureOf(other.getToken('evo-me'))).toMatchObject({ code: 'stopping' })
    expect(daemon.asked).toHaveLength(4)
  })

  it('that is not there is missed with the way to start it', async () => {
    const socket = join(mkdtempSync(join(tmpdir(), 'evo-')), 'none.sock')
    const failure = await failureOf(new TokenClient({ socket }).getToken('evo-me'))
    expect(failure).toMatchObject({ code: 'not_running' })
    expect(failure.message).toContain(`there is no "${socket}"`)
    expect(failure.hint).toContain('evo-token serve')
  })

  it('that breaks off a refresh is not asked to do it twice', async () => {
    await using daemon = await startStandIn({
      ...tokens(),
      'POST /v1/apps/evo-me/refresh': () => {
        throw new Error('gone')
      },
    })
    const client = new TokenClient({ socket: daemon.socket })
    const failure = await failureOf(client.reportRejected(await client.getToken('evo-me')))
    expect(failure).toMatchObject({ code: 'not_running', unasked: false })
    expect(daemon.asked).toHaveLength(2)
  })

  it('tells how the apps are', async () => {
    await using daemon = await startStandIn({
      'GET /v1/apps': () => ({ json: { apps: [status({ session: 'signed-out' })] } }),
    })
    const statuses = await new TokenClient({ socket: daemon.socket }).status()
    expect(statuses).toMatchObject([{ app: 'evo-me', session: 'signed-out' }])
  })

  it('is not shown the key of a caller before it has proven to know it', async () => {
    const asked: unknown[] = []
    const squatter = createServer(({ headers, url }, response) => {
      asked.push({ url: url?.replace(/nonce=.*/, ''), key: headers.authorization })
      response.end('{"proof":"none"}')
    })
    const port = await listen(squatter, 0)
    const keyFile = join(mkdtempSync(join(tmpdir(), 'evo-')), 'key')
    writeFileSync(keyFile, `evtk_${'k'.repeat(43)}\n`, { mode: 0o600 })
    vi.stubEnv('EVO_TOKEN_CALLER', 'notebook')
    const client = new TokenClient({ url: `http://127.0.0.1:${port}`, keyFile })
    expect(await failureOf(client.getToken('evo-me'))).toMatchObject({ code: 'invalid_key' })
    expect(asked).toEqual([{ url: '/healthz?caller=notebook&', key: undefined }])
    squatter.close()
  })
})

describe('authorizedFetch', () => {
  /** An API that takes whatever is not in `refused`, and says what it was sent. */
  async function startApi(refused: readonly string[]) {
    const got: { token: string | undefined; body: string }[] = []
    const server = createServer((request, response) => {
      void request
        .setEncoding('utf8')
        .toArray()
        .then((pieces) => {
          const { authorization } = request.headers
          got.push({ token: authorization, body: pieces.join('') })
          const isRefused = refused.includes(authorization ?? '')
          response.writeHead(isRefused ? 401 : 200).end(isRefused ? 'refused' : 'taken')
        })
    })
    const port = await listen(server, 0)
    return {
      url: `http://127.0.0.1:${port}/`,
      got,
      server,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections()
        server.close()
      },
    }
  }

  it('sends the token, and the body again with another token after a 401', async () => {
    await using daemon = await startStandIn(tokens())
    await using api = await startApi(['Bearer token-number-1'])
    const evo = authorizedFetch('evo-me', { client: new TokenClient({ socket: daemon.socket }) })
    const body = new Blob(['a block model']).stream()
    const answer = await evo(api.url, { method: 'POST', body, duplex: 'half' })
    expect(await answer.text()).toBe('taken')
    expect(api.got).toEqual([
      { token: 'Bearer token-number-1', body: 'a block model' },
      { token: 'Bearer token-number-2', body: 'a block model' },
    ])
    expect(await (await evo(new Request(api.url))).text()).toBe('taken')
    expect(api.got[2]).toEqual({ token: 'Bearer token-number-2', body: '' })
  })

  it('asks twice at most, and gives the 401 where that is all there is', async () => {
    const json = token(NAMED)
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-me/token': () => ({ json }),
      'POST /v1/apps/evo-me/refresh': () => ({ json }),
    })
    await using api = await startApi([`Bearer ${NAMED.access_token}`])
    const client = new TokenClient({ socket: daemon.socket })
    const answer = await authorizedFetch('evo-me', { client })(api.url)
    expect([answer.status, await answer.text()]).toEqual([401, 'refused'])
    expect(api.got).toHaveLength(1)

    await using other = await startApi(['Bearer token-number-1', 'Bearer token-number-2'])
    await using changing = await startStandIn(tokens())
    const again = new TokenClient({ socket: changing.socket })
    expect((await authorizedFetch('evo-me', { client: again })(other.url)).status).toBe(401)
    expect(other.got).toHaveLength(2)
  })

  it('takes the 401 of another place that it was sent to for no word about the token', async () => {
    await using daemon = await startStandIn(tokens())
    await using elsewhere = await startApi([''])
    const away = createServer((_, response) => {
      response.writeHead(302, { Location: elsewhere.url }).end()
    })
    const port = await listen(away, 0)
    const client = new TokenClient({ socket: daemon.socket })
    const answer = await authorizedFetch('evo-me', { client })(`http://localhost:${port}/`)
    expect(answer.status).toBe(401)
    expect(elsewhere.got).toEqual([{ token: undefined, body: '' }])
    expect(daemon.asked).toHaveLength(1)
    away.closeAllConnections()
    away.close()
  })
})

describe('a long answer', () => {
  it('is read whole: 10,000 apps have a status of some MiB', async () => {
    const app = { app: 'one', type: 'native', session: 'active', scope: 's'.repeat(20_000_000) }
    await using daemon = await startStandIn({ 'GET /v1/apps': () => ({ json: { apps: [app] } }) })
    const [one] = await new TokenClient({ socket: daemon.socket }).status()
    expect(one?.scope).toHaveLength(20_000_000)
  })
})
