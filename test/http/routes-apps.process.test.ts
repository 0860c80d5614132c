import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../src/errors.ts'
import { Secret, sha256Hex } from '../../src/secret.ts'
import {
  appStatus,
  problemsOfSession,
  failing,
  KEY,
  LIMITED_KEY,
  openDoors,
  SERVED,
} from './doors.ts'

const TOKEN = '/v1/apps/evo-me/token'

describe('GET /v1/apps/{app}/token', () => {
  it('answers the token as the contract has it, on both doors', async () => {
    await using doors = await openDoors()
    for (const door of [doors.tcp(KEY), doors.owner()]) {
      const answer = await door.get(TOKEN).expect(200)
      expect(answer.body).toEqual({
        app: 'evo-me',
        access_token: SERVED.accessToken.expose(),
        token_type: 'Bearer',
        expires_in: 3600,
        expires_at: '2026-01-01T01:00:00Z',
        scope: 'evo.discovery evo.workspace',
      })
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
      expect(answer.headers).not.toHaveProperty('etag')
      expect(answer.headers).not.toHaveProperty('x-powered-by')
    }
  })

  it('writes anew what has changed, and does not mix up apps', async () => {
    let served = SERVED
    await using doors = await openDoors({ broker: { token: () => served } })
    const client = doors.tcp(KEY)
    await client.get(TOKEN).expect(200)
    for (const change of [
      { accessToken: new Secret('at-2') },
      { expiresInS: 1 },
      { expiresAt: Date.UTC(2026, 1) },
      { scope: null },
    ]) {
      served = { ...served, ...change }
      const answer = await client.get(TOKEN).expect(200)
      expect(answer.body).toMatchObject({
        access_token: served.accessToken.expose(),
        expires_in: served.expiresInS,
        expires_at: new Date(Number(served.expiresAt))
          .toISOString()
          .replace('.999Z', 'Z')
          .replace('.000Z', 'Z'),
        scope: served.scope,
      })
    }
    const answer = await client.get('/v1/apps/evo-pipeline/token').expect(200)
    expect(answer.body).toMatchObject({ app: 'evo-pipeline' })
  })

  it('has null for both ends of one that does not end', async () => {
    const served = { ...SERVED, expiresAt: null, expiresInS: null }
    await using doors = await openDoors({ broker: { token: () => served } })
    const answer = await doors.tcp(KEY).get(TOKEN).expect(200)
    expect(answer.body).toMatchObject({ expires_in: null, expires_at: null, token_type: 'Bearer' })
  })

  it.each([
    ['text/plain', 'text/plain; charset=utf-8'],
    ['text/*', 'text/plain; charset=utf-8'],
    ['text/plain, application/json;q=0.5', 'text/plain; charset=utf-8'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['application/json, text/plain;q=0.9', 'application/json'],
    ['text/html', 'application/json'],
  ])('answers Accept: %s with %s', async (accept, type) => {
    await using doors = await openDoors()
    const answer = await doors.tcp(KEY).get(TOKEN).set('Accept', accept).expect(200)
    expect(answer.headers['content-type']).toBe(type)
    if (type !== 'application/json') expect(answer.text).toBe(SERVED.accessToken.expose())
  })

  it('passes min_ttl and wait on in milliseconds, and 10 s where nothing is said', async () => {
    await using doors = await openDoors()
    const client = doors.tcp(KEY)
    await client.get(TOKEN).expect(200)
    await client.get(`${TOKEN}?min_ttl=600&wait=0`).expect(200)
    await client.get(`${TOKEN}?wait=60&min_ttl=0`).expect(200)
    await client.get(`${TOKEN}?min_ttl=${365 * 86_400}`).expect(200)
    await client.get(`${TOKEN}?`).expect(200)
    expect(doors.asked.filter(([name]) => name === 'token').map(([, , ask]) => ask)).toEqual([
      { waitMs: 10_000, caller: 'local' },
      { waitMs: 0, minTtlMs: 600_000, caller: 'local' },
      { waitMs: 60_000, minTtlMs: 0, caller: 'local' },
      { waitMs: 10_000, minTtlMs: 365 * 86_400_000, caller: 'local' },
      { waitMs: 10_000, caller: 'local' },
    ])
  })

  it.each([
    'wait=61',
    'wait=-1',
    'wait=1.5',
    'wait=',
    'wait',
    'wait=1e1',
    'wait=%201',
    'wait=0x1',
    'wait=99999999999',
    'wait=1&wait=2',
    'wait[]=1',
    'min_ttl=31536001',
    'min_ttl=NaN',
    'min_ttl=+5',
    'min_ttl=600&min_ttl=600',
    'min-ttl=600',
    '__proto__=1',
  ])('refuses ?%s and names the field', async (query) => {
    await using doors = await openDoors()
    const answer = await doors.tcp(KEY).get(`${TOKEN}?${query}`).expect(400)
    expect(answer.body).toMatchObject({ error: 'invalid_request' })
    expect((answer.body as { detail: string }).detail).toContain(query.split(/[=&]/)[0])
    expect(doors.asked.some(([name]) => name === 'token')).toBe(false)
  })

  it('waits for a token that is not at hand', async () => {
    await using doors = await openDoors({ broker: { token: () => Promise.resolve(SERVED) } })
    const answer = await doors.tcp(KEY).get(TOKEN).expect(200)
    expect(answer.body).toMatchObject({ access_token: SERVED.accessToken.expose() })
  })

  it('answers HEAD with the header of GET, and says in no log that a token was served', async () => {
    await using doors = await openDoors()
    const answer = await doors.tcp(KEY).head(TOKEN).expect(200)
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(100)
    expect(doors.log.lines).toEqual([])
  })

  it('logs who got which token, in one line without the token', async () => {
    await using doors = await openDoors()
    await doors.tcp(LIMITED_KEY).get(TOKEN).expect(200)
    expect(doors.log.lines).toEqual([
      {
        level: 'info',
        message:
          'token served {"caller":"notebook","app":"evo-me","fingerprint":"1f3a9c02","ms":0}',
      },
    ])
  })

  it.each([
    ['login_required', 409],
    ['misconfigured', 409],
    ['unavailable', 503],
    ['vault_locked', 503],
    ['record_newer', 503],
    ['stopping', 503],
  ] as const)('answers %s with %i, whether thrown at once or later', async (code, status) => {
    const error = new SidecarError(code, 'A sentence of ours.', { hint: 'Do this.' })
    for (const token of [
      failing(code, error.message, { hint: 'Do this.' }),
      () => Promise.reject(error),
    ]) {
      await using doors = await openDoors({ broker: { token } })
      const answer = await doors.tcp(KEY).get(TOKEN).set('Accept', 'text/plain').expect(status)
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(answer.body).toMatchObject({
        type: `urn:evo-token:problem:${code}`,
        status,
        detail: 'A sentence of ours.',
        error: code,
        hint: 'Do this.',
      })
    }
  })
})

describe('POST /v1/apps/{app}/refresh', () => {
  const REFRESH = '/v1/apps/evo-me/refresh'

  it('asks for a refresh, of the rejected token where one is named', async () => {
    await using doors = await openDoors()
    const client = doors.tcp(KEY)
    const digest = sha256Hex('refused')
    const answer = await client.post(REFRESH).expect(200)
    expect(answer.body).toMatchObject({
      app: 'evo-me',
      access_token: SERVED.accessToken.expose(),
      token_type: 'Bearer',
    })
    await client.post(REFRESH).send({}).expect(200)
    await client.post(REFRESH).send({ rejected_sha256: digest.toUpperCase() }).expect(200)
    expect(doors.asked.filter(([name]) => name === 'refresh')).toEqual([
      ['refresh', 'evo-me', { caller: 'local' }],
      ['refresh', 'evo-me', { caller: 'local' }],
      ['refresh', 'evo-me', { caller: 'local', rejectedSha256: digest }],
    ])
  })

  it('answers the bare token to a caller that prefers text, as for token', async () => {
    await using doors = await openDoors()
    const answer = await doors.tcp(KEY).post(REFRESH).set('Accept', 'text/plain').expect(200)
    expect(answer.text).toBe(SERVED.accessToken.expose())
    expect(doors.log.lines.map(({ message }) => message.split(' {')[0])).toEqual(['token served'])
  })

  it.each([{ rejected_sha256: 'abc' }, { rejected_sha256: 5 }, { rejected_sha: '' }])(
    'refuses %j and names the field',
    async (body) => {
      await using doors = await openDoors()
      const answer = await doors.tcp(KEY).post(REFRESH).send(body).expect(400)
      expect((answer.body as { detail: string }).detail).toContain(Object.keys(body)[0])
    },
  )
})

describe('GET /v1/apps', () => {
  it('shows every app of the caller, in the order of the config', async () => {
    await using doors = await openDoors()
    const all = await doors.tcp(KEY).get('/v1/apps').expect(200)
    expect((all.body as { apps: { app: string }[] }).apps.map(({ app }) => app)).toEqual([
      'evo-me',
      'evo-pipeline',
    ])
    const limited = await doors.tcp(LIMITED_KEY).get('/v1/apps').expect(200)
    expect((limited.body as { apps: { app: string }[] }).apps.map(({ app }) => app)).toEqual([
      'evo-me',
    ])
  })

  it('names the version, and for the owner what is wrong with the daemon itself', async () => {
    const problem = { error: 'notify_failed' as const, message: 'It failed.', hint: 'Correct it.' }
    await using doors = await openDoors({ problems: [problem] })
    const own = await doors.owner().get('/v1/apps').expect(200)
    expect(own.body).toMatchObject({
      version: '1.2.3',
      program: '/opt/evo-token',
      problems: [problem],
    })
    const told = await doors.tcp(KEY).get('/v1/apps').expect(200)
    expect(Object.keys(told.body as object)).toEqual(['version', 'apps'])
  })

  it('has exactly the fields of the contract on TCP, and the person’s besides for the owner', async () => {
    await using doors = await openDoors()
    const expected = {
      app: 'evo-me',
      type: 'native',
      session: 'active',
      freshness: 'fresh',
      expires_at: '2026-01-01T01:00:00Z',
      refresh_at: '2026-01-01T00:50:00Z',
      refreshed_at: '2026-01-01T00:00:00Z',
      retry_at: null,
      failures: 0,
      scope: 'evo.discovery evo.workspace',
      fingerprint: '1f3a9c02',
      last_error: null,
      problem: null,
    }
    expect((await doors.tcp(KEY).get('/v1/apps/evo-me').expect(200)).body).toEqual(expected)
    expect((await doors.owner().get('/v1/apps/evo-me').expect(200)).body).toEqual({
      ...expected,
      subject: 'Ada',
      session_expires_at: '2026-01-31T00:00:00Z',
      session_expires_soon: false,
    })
  })

  it('tells the server’s own words to the owner only', async () => {
    const lastError = {
      code: 'invalid_grant',
      message: 'Tenant 4711 of Ada is gone',
      at: Date.UTC(2026, 0, 1),
    }
    const problems = problemsOfSession({ status: 'signed-out', error: lastError })
    await using doors = await openDoors({
      broker: { status: (app) => appStatus({ app, session: 'signed-out', lastError, problems }) },
    })
    const message = 'The authorization server has ended the sign-in to "evo-me".'
    const hint = 'Sign in: `evo-token login evo-me`.'
    const answer = await doors.tcp(KEY).get('/v1/apps/evo-me').expect(200)
    expect(answer.body).toMatchObject({
      last_error: { error: 'invalid_grant', message, at: '2026-01-01T00:00:00Z' },
      problem: { error: 'login_required', message, hint, blocking: true },
    })
    expect(answer.text).not.toContain('4711')
    const owner = await doors.owner().get('/v1/apps/evo-me').expect(200)
    expect(owner.body).toMatchObject({
      last_error: { error: 'invalid_grant', message: 'Tenant 4711 of Ada is gone' },
      problem: {
        error: 'login_required',
        message: `${message.slice(0, -1)}: "Tenant 4711 of Ada is gone".`,
        hint,
        blocking: true,
      },
    })
  })

  it.each([
    ['retrying', 'unavailable'],
    ['misconfigured', 'misconfigured'],
    ['signed-out', 'login_required'],
  ] as const)('calls an unknown error of an app that is %s %s on TCP', async (status, error) => {
    const lastError = {
      code: 'ask ada@example.com',
      message: 'secret words',
      at: Date.UTC(2026, 0, 1),
    }
    const session = {
      status,
      error: lastError,
      failures: 1,
      retryAt: 0,
      mayEndEarly: true,
    } as const
    const problems = problemsOfSession(session)
    await using doors = await openDoors({
      broker: { status: (app) => appStatus({ app, session: status, lastError, problems }) },
    })
    const answer = await doors.tcp(KEY).get('/v1/apps/evo-me').expect(200)
    expect(answer.body).toMatchObject({ last_error: { error }, problem: { error } })
    expect(answer.text).not.toContain('ada@example.com')
    expect(answer.text).not.toContain('secret words')
  })
})

describe('an app that the caller may not use', () => {
  it.each(['GET /', 'GET /token', 'POST /refresh'])(
    'cannot be told from one that is not there: %s',
    async (what) => {
      const [method = '', path = ''] = what.split(' ')
      await using doors = await openDoors()
      const ask = (app: string) => {
        const url = `/v1/apps/${app}${path === '/' ? '' : path}`
        const client = doors.tcp(LIMITED_KEY)
        return method === 'GET' ? client.get(url) : client.post(url)
      }
      const hidden = await ask('evo-pipeline').expect(404)
      const absent = await ask('evo-nowhere').expect(404)
      expect(hidden.body).toMatchObject({ error: 'unknown_app' })
      expect(hidden.text.replaceAll('evo-pipeline', 'NAME')).toBe(
        absent.text.replaceAll('evo-nowhere', 'NAME'),
      )
      const names = (headers: object) => Object.keys(headers).filter((name) => name !== 'date')
      expect(names(hidden.headers as object)).toEqual(names(absent.headers as object))
      expect(doors.asked.filter(([name]) => name !== 'noteUse')).toEqual([])
    },
  )

  it('has no readiness either', async () => {
    await using doors = await openDoors()
    await doors.tcp(LIMITED_KEY).get('/readyz/evo-pipeline').expect(404)
    await doors.tcp(LIMITED_KEY).get('/readyz/evo-me').expect(200)
  })
})

describe('a mistyped app', () => {
  it('is answered with the one that was meant, of those that the caller may use', async () => {
    await using doors = await openDoors()
    const detail = async (key: string, app: string) => {
      const answer = await doors.tcp(key).get(`/v1/apps/${app}/token`).expect(404)
      return (answer.body as { detail: string }).detail
    }
    expect(await detail(KEY, 'evo-pipline')).toContain('Did you mean "evo-pipeline"?')
    expect(await detail(LIMITED_KEY, 'evo-pipline')).not.toContain('Did you mean')
    expect(await detail(LIMITED_KEY, 'ev-me')).toContain('Did you mean "evo-me"?')
  })

  it('is to be reloaded where the config has it and the daemon has not read it, which only the owner is told', async () => {
    await using doors = await openDoors({ appsInConfig: () => Promise.resolve(['evo-new']) })
    const owner = await doors.owner().post('/v1/apps/evo-new/login').expect(404)
    expect(owner.body).toMatchObject({
      error: 'unknown_app',
      hint: expect.stringContaining('evo-token reload') as string,
    })
    const caller = await doors.tcp(KEY).get('/v1/apps/evo-new/token').expect(404)
    expect(JSON.stringify(caller.body)).not.toContain('reload')
  })
})
