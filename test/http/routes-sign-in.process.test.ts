import { EventEmitter, once } from 'node:events'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../src/errors.ts'
import { Secret } from '../../src/secret.ts'
import type { Deps } from '../../src/http/deps.ts'
import { KEY, openDoors } from './doors.ts'

const LOGIN = '/v1/apps/evo-me/login'
const EXPIRES_AT = Date.UTC(2026, 0, 1, 0, 10)

const inBrowser: Deps['signIns']['start'] = () =>
  Promise.resolve({
    method: 'browser',
    id: 'id-1',
    authorizationUrl: 'https://issuer.example/authorize?x=1',
    openUrl: 'http://localhost:3000/open/abc',
    listening: true,
    busy: null,
    expiresAt: EXPIRES_AT,
  })

describe('POST /v1/apps/{app}/login', () => {
  it('starts a sign-in in a browser where the body says nothing else', async () => {
    const asked: unknown[] = []
    await using doors = await openDoors({
      signIns: {
        start: (app, ask) => {
          asked.push([app, ask])
          return inBrowser(app, ask)
        },
      },
    })
    const answer = await doors.owner().post(LOGIN).expect(200)
    expect(answer.body).toEqual({
      id: 'id-1',
      authorization_url: 'https://issuer.example/authorize?x=1',
      open_url: 'http://localhost:3000/open/abc',
      listening: true,
      busy_port: null,
      busy_port_user: null,
      expires_at: '2026-01-01T00:10:00Z',
    })
    await doors.owner().post(LOGIN).send({ switch_user: true, method: 'browser' }).expect(200)
    expect(asked).toEqual([
      ['evo-me', { method: 'browser', switchUser: false }],
      ['evo-me', { method: 'browser', switchUser: true }],
    ])
  })

  it('ends a sign-in at once whose person left before the answer', async () => {
    const events = new EventEmitter()
    const [begun, gone, ended] = [
      once(events, 'begun'),
      once(events, 'gone'),
      once(events, 'ended'),
    ]
    await using doors = await openDoors({
      signIns: {
        async start(app, ask) {
          events.emit('begun')
          await gone
          return inBrowser(app, ask)
        },
        end: (...given) => {
          events.emit('ended', ...given)
        },
      },
    })
    const { socketPath } = doors
    const headers = { host: 'localhost' }
    const login = request({ socketPath, method: 'POST', path: LOGIN, headers, agent: false })
    // It ends with an error, for it has no answer.
    const left = once(login, 'error')
    login.end()
    await begun
    login.destroy()
    await left
    // Answered after the server has seen that the connection is gone.
    await doors.owner().get('/healthz').expect(200)
    events.emit('gone')
    expect(await ended).toEqual(['evo-me', 'id-1'])
  })

  it('says whose program has the port of the redirect URI, and that the address is to be pasted', async () => {
    await using doors = await openDoors({
      signIns: {
        start: async (app, ask) => ({
          ...(await inBrowser(app, ask)),
          openUrl: null,
          listening: false,
          busy: { port: 3000, holder: 'other' },
        }),
      },
    })
    const answer = await doors.owner().post(LOGIN).expect(200)
    expect(answer.body).toMatchObject({
      open_url: null,
      listening: false,
      busy_port: 3000,
      busy_port_user: 'other',
    })
  })

  it('starts one on a device', async () => {
    await using doors = await openDoors({
      signIns: {
        start: (_app, { method }) =>
          method === 'device'
            ? Promise.resolve({
                method,
                id: 'id-2',
                userCode: 'ABCD-EFGH',
                verificationUri: 'https://issuer.example/device',
                verificationUriComplete: null,
                expiresAt: EXPIRES_AT,
              })
            : Promise.reject(new Error('not asked for')),
      },
    })
    const answer = await doors.owner().post(LOGIN).send({ method: 'device' }).expect(200)
    expect(answer.body).toEqual({
      id: 'id-2',
      user_code: 'ABCD-EFGH',
      verification_uri: 'https://issuer.example/device',
      verification_uri_complete: null,
      expires_at: '2026-01-01T00:10:00Z',
    })
  })

  it.each([{ method: 'telepathy' }, { switch_user: 'yes' }, { switchUser: true }])(
    'refuses %j and names the field',
    async (body) => {
      await using doors = await openDoors()
      const answer = await doors.owner().post(LOGIN).send(body).expect(400)
      expect((answer.body as { detail: string }).detail).toContain(Object.keys(body)[0])
    },
  )
})

describe('GET /v1/apps/{app}/login/{id}', () => {
  it('waits 25 s at most for the end, and says how it went', async () => {
    const asked: unknown[] = []
    await using doors = await openDoors({
      signIns: {
        wait: (...given) => {
          asked.push(given)
          return Promise.resolve({
            status: 'succeeded',
            error: null,
            message: null,
            subject: 'Ada',
            scope: 'evo.discovery',
            expiresAt: EXPIRES_AT,
            visited: true,
            httpsTried: false,
          })
        },
      },
    })
    const answer = await doors.owner().get(`${LOGIN}/id-1`).expect(200)
    expect(answer.body).toEqual({
      status: 'succeeded',
      error: null,
      message: null,
      subject: 'Ada',
      scope: 'evo.discovery',
      expires_at: '2026-01-01T00:10:00Z',
      visited: true,
      https_tried: false,
    })
    await doors.owner().get(`${LOGIN}/id-1?wait=0`).expect(200)
    await doors.owner().get(`${LOGIN}/id-1?wait=26`).expect(400)
    expect(asked).toEqual([
      ['evo-me', 'id-1', 25_000],
      ['evo-me', 'id-1', 0],
    ])
  })

  it('is not_found for a sign-in that is not there', async () => {
    await using doors = await openDoors({
      signIns: { wait: () => Promise.reject(new SidecarError('not_found', 'No such sign-in.')) },
    })
    const answer = await doors.owner().get(`${LOGIN}/nothing`).expect(404)
    expect(answer.body).toMatchObject({ error: 'not_found', detail: 'No such sign-in.' })
  })
})

describe('DELETE /v1/apps/{app}/login/{id}', () => {
  it('ends the sign-in', async () => {
    await using doors = await openDoors()
    await doors.owner().delete(`${LOGIN}/id-1`).expect(204)
    expect(doors.asked).toEqual([['end', 'evo-me', 'id-1']])
  })

  it('is for the owner only', async () => {
    await using doors = await openDoors()
    await doors.tcp(KEY).delete(`${LOGIN}/id-1`).expect(403)
    expect(doors.asked).not.toContainEqual(['end', 'evo-me', 'id-1'])
  })
})

describe('GET /v1/apps/{app}/login', () => {
  it('names the ports that are open for sign-ins', async () => {
    await using doors = await openDoors({ signIns: { ports: () => [3000] } })
    expect((await doors.owner().get(LOGIN).expect(200)).body).toEqual({ ports: [3000] })
  })
})

describe('POST /v1/apps/{app}/login/{id}/callback', () => {
  it('hands the pasted URL on', async () => {
    const asked: unknown[] = []
    await using doors = await openDoors({
      signIns: {
        paste: (...given) => {
          asked.push(given)
          return Promise.resolve({
            status: 'failed',
            error: 'access_denied',
            message: 'Ada said no',
            subject: null,
            scope: null,
            expiresAt: null,
          })
        },
      },
    })
    const url = 'http://localhost:3000/signin-callback?code=c&state=s'
    const answer = await doors.owner().post(`${LOGIN}/id-1/callback`).send({ url }).expect(200)
    expect(answer.body).toEqual({
      status: 'failed',
      error: 'access_denied',
      message: 'Ada said no',
      subject: null,
      scope: null,
      expires_at: null,
    })
    expect(asked).toEqual([['evo-me', 'id-1', url]])
  })

  it.each([{}, { url: '' }, { url: 7 }, { url: `http://a/${'x'.repeat(9000)}` }])(
    'refuses a body without a URL',
    async (body) => {
      await using doors = await openDoors()
      const answer = await doors.owner().post(`${LOGIN}/id-1/callback`).send(body).expect(400)
      expect((answer.body as { detail: string }).detail).toMatch(/^url: has to be/)
    },
  )
})

describe('POST /v1/apps/{app}/logout', () => {
  it('says whether the server confirmed', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().post('/v1/apps/evo-me/logout').expect(200)
    expect(answer.body).toEqual({ revoked: true })
    await doors.owner().post('/v1/apps/evo-me/logout').send({}).expect(200)
    expect(doors.asked).toEqual([
      ['logout', 'evo-me'],
      ['logout', 'evo-me'],
    ])
  })

  it('takes no field at all', async () => {
    await using doors = await openDoors()
    await doors.owner().post('/v1/apps/evo-me/logout').send({ force: true }).expect(400)
    expect(doors.asked).toEqual([])
  })
})

describe('PUT /v1/apps/{app}/client-secret', () => {
  const SECRET = '/v1/apps/evo-pipeline/client-secret'

  it('hands the secret on as a Secret', async () => {
    await using doors = await openDoors()
    const answer = await doors.owner().put(SECRET).send({ client_secret: ' s3cret ' }).expect(200)
    expect(answer.body).toEqual({ proven: true })
    const [, app, secret] = doors.asked[0] ?? []
    expect(app).toBe('evo-pipeline')
    expect((secret as Secret).expose()).toBe(' s3cret ')
  })

  it('hands a private key on as a Secret, with all its lines', async () => {
    await using doors = await openDoors()
    const key = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n'
    await doors.owner().put(SECRET).send({ private_key: key }).expect(200)
    const [, app, secret, isPrivateKey] = doors.asked[0] ?? []
    expect({ app, isPrivateKey }).toEqual({ app: 'evo-pipeline', isPrivateKey: true })
    expect((secret as Secret).expose()).toBe(key)
  })

  it.each([{ private_key: '' }, { private_key: 5 }, { private_key: 'x'.repeat(4097) }])(
    'refuses a body with a bad private key, and does not quote it',
    async (body) => {
      await using doors = await openDoors()
      const answer = await doors.owner().put(SECRET).send(body).expect(400)
      expect((answer.body as { detail: string }).detail).toMatch(/^private_key: /)
      expect(answer.text).not.toContain('xxx')
    },
  )

  it('refuses a body with both', async () => {
    await using doors = await openDoors()
    const body = { client_secret: 's3cret', private_key: 's3cret' }
    const answer = await doors.owner().put(SECRET).send(body).expect(400)
    expect((answer.body as { detail: string }).detail).toContain('private_key in its place')
    expect(doors.asked).toEqual([])
  })

  it.each([{}, { client_secret: '' }, { client_secret: 5 }, { client_secret: 'x'.repeat(4097) }])(
    'refuses a body without one, and does not quote it',
    async (body) => {
      await using doors = await openDoors()
      const answer = await doors.owner().put(SECRET).send(body).expect(400)
      expect((answer.body as { detail: string }).detail).toMatch(/^client_secret: /)
      expect(answer.text).not.toContain('xxx')
    },
  )

  it('answers misconfigured where the server refuses the secret', async () => {
    await using doors = await openDoors({
      broker: {
        putClientSecret: () => Promise.reject(new SidecarError('misconfigured', 'Refused.')),
      },
    })
    const answer = await doors.owner().put(SECRET).send({ client_secret: 's3cret' }).expect(409)
    expect(answer.body).toMatchObject({ error: 'misconfigured' })
  })
})

describe('an app that is not configured', () => {
  it.each([
    ['post', LOGIN],
    ['get', LOGIN],
    ['get', `${LOGIN}/id-1`],
    ['delete', `${LOGIN}/id-1`],
    ['post', `${LOGIN}/id-1/callback`],
    ['post', '/v1/apps/evo-me/logout'],
    ['put', '/v1/apps/evo-me/client-secret'],
  ] as const)('is unknown to %s %s before anything else is looked at', async (method, path) => {
    await using doors = await openDoors()
    const answer = await doors.owner()[method](path.replace('evo-me', 'evo-nowhere')).expect(404)
    expect(answer.body).toMatchObject({ error: 'unknown_app' })
  })
})
