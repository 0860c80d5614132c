import { describe, expect, it } from 'vitest'
import { SidecarError } from '../../src/errors.ts'
import { routesOf } from '../../src/http/app.ts'
import { answerToMalformed } from '../../src/http/problems.ts'
import { failing, KEY, openDoors, recordedDeps } from './doors.ts'

const PROBLEM_FIELDS = ['type', 'title', 'status', 'detail', 'error', 'hint']

function keysOf(body: unknown): string[] {
  return Object.keys(body as object)
}

describe('a path that is not there', () => {
  it.each([
    '/',
    '/v1',
    '/v1/apps/',
    '/v1/apps/evo-me/',
    '/v1/apps/evo-me/token/',
    '/V1/apps',
    '/v1/Apps/evo-me/token',
    '/v1//apps',
    '/v1/apps/evo-me/tokens',
    '/healthz/',
    '/index.html',
    '/*',
  ])('is a problem with all its fields: %s', async (path) => {
    await using doors = await openDoors()
    const answer = await doors.tcp(KEY).get(path).expect(404)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(keysOf(answer.body)).toEqual(PROBLEM_FIELDS)
    expect(answer.body).toMatchObject({
      type: 'urn:evo-token:problem:not_found',
      status: 404,
      error: 'not_found',
    })
  })
})

describe('an odd path', () => {
  it.each([
    ['%E0%A4%A', 400, 'invalid_request'],
    ['%', 400, 'invalid_request'],
    ['%ff', 400, 'invalid_request'],
    ['%00', 404, 'unknown_app'],
    ['..', 404, 'unknown_app'],
    ['%2e%2e', 404, 'unknown_app'],
    ['evo-me%2Ftoken', 404, 'unknown_app'],
    ['evo-me%00', 404, 'unknown_app'],
    ['EVO-ME', 404, 'unknown_app'],
    ['__proto__', 404, 'unknown_app'],
    ['constructor', 404, 'unknown_app'],
    ['toString', 404, 'unknown_app'],
    ['*', 404, 'unknown_app'],
    ['a'.repeat(300), 404, 'unknown_app'],
    ['%F0%9F%98%80', 404, 'unknown_app'],
  ])('in place of an app is a problem: %s', async (app, status, error) => {
    await using doors = await openDoors()
    for (const rest of ['', '/token']) {
      const answer = await doors.raw(
        `GET /v1/apps/${app}${rest} HTTP/1.1\r\nHost: localhost:${doors.port}\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\n\r\n`,
      )
      expect(answer).toContain(`HTTP/1.1 ${status} `)
      expect(answer).toContain(`"error":"${error}"`)
      expect(answer).toContain('Content-Type: application/problem+json')
      expect(answer.length).toBeLessThan(700)
    }
  })

  it.each([
    '//evil.example/v1/apps',
    '/v1/apps?%',
    '/v1/apps#a',
    '*',
    '/v1/../v1/apps',
    '/\\[',
    'x:y',
  ])('never gets HTML or a 500 as a target: %s', async (target) => {
    await using doors = await openDoors()
    for (const method of ['GET', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const answer = await doors.raw(
        `${method} ${target} HTTP/1.1\r\nHost: localhost:${doors.port}\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\n\r\n`,
      )
      expect(answer).not.toContain('<')
      expect(answer).not.toContain('HTTP/1.1 5')
      expect(answer).toMatch(/^HTTP\/1\.1 \d{3} /)
    }
  })
})

describe('a method that a path does not have', () => {
  const { deps } = recordedDeps()
  const paths = [...new Set(routesOf(deps).map(({ path }) => path))]

  it.each(paths)('is a problem that names those it has: %s', async (path) => {
    await using doors = await openDoors()
    const url = path.replaceAll(/\{\w+\}/g, 'evo-me')
    const answer = await doors.owner().patch(url).expect(405)
    expect(answer.body).toMatchObject({ error: 'method_not_allowed' })
    const expected = routesOf(deps)
      .filter((row) => row.path === path)
      .flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
    expect(answer.headers.allow).toBe(expected.join(', '))
    await doors.owner().options(url).expect(405)
    const head = await doors.owner().head(url)
    expect(head.status === 405).toBe(!expected.includes('HEAD'))
  })
})

describe('a problem', () => {
  it('of unavailable says when to ask again, in whole seconds', async () => {
    const retryAfter = async (retryAfterMs: number | undefined) => {
      await using doors = await openDoors({
        broker: {
          token: failing('unavailable', 'No.', retryAfterMs === undefined ? {} : { retryAfterMs }),
        },
      })
      const answer = await doors.tcp(KEY).get('/v1/apps/evo-me/token').expect(503)
      return (answer.headers as Record<string, string>)['retry-after']
    }
    expect(await retryAfter(1_001)).toBe('2')
    expect(await retryAfter(1)).toBe('1')
    expect(await retryAfter(300_000)).toBe('300')
    expect(await retryAfter(undefined)).toBe('5')
  })

  it('of a locked vault or a stopping daemon says so only if it is known', async () => {
    await using locked = await openDoors({ broker: { token: failing('vault_locked', 'Locked.') } })
    const answer = await locked.tcp(KEY).get('/v1/apps/evo-me/token').expect(503)
    expect(answer.headers).not.toHaveProperty('retry-after')
    await using stopping = await openDoors({
      broker: { token: failing('stopping', 'Stopping.', { retryAfterMs: 3_000 }) },
    })
    const later = await stopping.tcp(KEY).get('/v1/apps/evo-me/token').expect(503)
    expect(later.headers['retry-after']).toBe('3')
  })

  it.each([
    [
      'thrown at once',
      () => {
        throw new TypeError('the token at-1 broke it')
      },
    ],
    ['of a promise', () => Promise.reject(new TypeError('the token at-1 broke it'))],
    [
      'that is no error',
      () => {
        throw 'at-1' as unknown
      },
    ],
    ['that is nothing', () => Promise.reject(undefined as unknown as Error)],
    ['of ours called internal', failing('internal', 'the token at-1 broke it')],
  ])('of a bug tells nothing but that there is one: %s', async (_what, token) => {
    await using doors = await openDoors({ broker: { token } })
    const answer = await doors.tcp(KEY).get('/v1/apps/evo-me/token').expect(500)
    expect(answer.body).toEqual({
      type: 'urn:evo-token:problem:internal',
      title: 'The daemon has a bug',
      status: 500,
      detail: 'The log of the daemon says what happened.',
      error: 'internal',
      hint: 'See the log of the daemon.',
    })
  })

  it('of a bug says to restart, where the files of the daemon were replaced', async () => {
    const problem = {
      error: 'restart_needed',
      message: 'Files are gone.',
      hint: 'Restart.',
    } as const
    await using doors = await openDoors({
      problems: [problem],
      broker: { token: () => Promise.reject(new TypeError('broken')) },
    })
    const answer = await doors.tcp(KEY).get('/v1/apps/evo-me/token').expect(500)
    expect(answer.body).toMatchObject({
      error: 'failed',
      detail: 'Files are gone.',
      hint: 'Restart.',
    })
  })

  it('of a bug is logged with the error', async () => {
    const logged: object[] = []
    const { log } = recordedDeps()
    const bug = new TypeError('broken')
    await using doors = await openDoors({
      log: { ...log, error: (fields) => logged.push(fields) },
      broker: { token: () => Promise.reject(bug) },
    })
    await doors.tcp(KEY).get('/v1/apps/evo-me/token').expect(500)
    expect(logged).toEqual([
      { err: bug, door: 'tcp', method: 'GET', path: '/v1/apps/evo-me/token', caller: 'local' },
    ])
  })

  it('of something that did not work keeps its sentence', async () => {
    await using doors = await openDoors({
      callers: { add: () => Promise.reject(new SidecarError('failed', 'The disk is full.')) },
    })
    const answer = await doors
      .owner()
      .post('/v1/callers')
      .send({ name: 'a', apps: ['*'] })
      .expect(500)
    expect(answer.body).toMatchObject({ error: 'failed', detail: 'The disk is full.' })
  })
})

describe('answerToMalformed', () => {
  it.each([
    ['HPE_HEADER_OVERFLOW', 'HTTP/1.1 413 Payload Too Large', 'too_large'],
    ['ERR_HTTP_REQUEST_TIMEOUT', 'HTTP/1.1 400 Bad Request', 'invalid_request'],
    ['HPE_INVALID_METHOD', 'HTTP/1.1 400 Bad Request', 'invalid_request'],
  ])('is a whole response for %s', (code, line, error) => {
    const answer = answerToMalformed(Object.assign(new Error('secret bytes'), { code }))
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head.split('\r\n')[0]).toBe(line)
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`)
    expect(head).toContain('Connection: close')
    expect(head).toContain('Cache-Control: no-store')
    expect(JSON.parse(body)).toMatchObject({ error })
    expect(answer).not.toContain('secret bytes')
  })
})
