import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { KEY, LIMITED_KEY, appStatus, openDoors, recordedDeps } from './doors.ts'
import { routesOf } from '../../src/http/app.ts'

describe('GET /metrics', () => {
  it('tells Prometheus of every app of the caller, and of no other', async () => {
    await using doors = await openDoors({
      broker: {
        status: (app) =>
          appStatus({ app, failures: 2, ...(app !== 'evo-me' && { expiresAt: null }) }),
        readiness: (app) => ({ ready: app === 'evo-me', reason: null }),
      },
    })
    const { headers, text } = await doors.tcp(KEY).get('/metrics').expect(200)
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(headers['cache-control']).toBe('no-store')
    const lines = text.split('\n').filter((line) => line && !line.startsWith('#'))
    expect(lines).toEqual(
      expect.arrayContaining([
        'evo_token_build_info{version="1.2.3"} 1',
        'evo_token_app_ready{app="evo-me"} 1',
        'evo_token_app_ready{app="evo-pipeline"} 0',
        'evo_token_app_session{app="evo-me",session="active"} 1',
        'evo_token_app_session{app="evo-me",session="signed-out"} 0',
        'evo_token_access_token_expiry_timestamp_seconds{app="evo-me"} 1767229200',
        'evo_token_access_token_received_timestamp_seconds{app="evo-me"} 1767225600',
        'evo_token_renewal_failures{app="evo-me"} 2',
        'evo_token_renewals_total{app="evo-me",outcome="granted"} 3',
        'evo_token_renewals_total{app="evo-me",outcome="unavailable"} 1',
      ]),
    )
    expect(text).not.toContain('expiry_timestamp_seconds{app="evo-pipeline"}')
    const limited = await doors.tcp(LIMITED_KEY).get('/metrics').expect(200)
    expect(limited.text).toContain('evo-me')
    expect(limited.text).not.toContain('evo-pipeline')
    await doors.tcp().get('/metrics').expect(401)
    expect((await doors.owner().get('/metrics').expect(200)).text).toBe(text)
  })

  it('tells no secret and nobody’s name', async () => {
    await using doors = await openDoors()
    expect((await doors.owner().get('/metrics')).text).not.toMatch(/eyJ|evtk_|Ada/)
  })
})

const CLIENT_SECRET = {
  properties: { client_secret: { type: 'string' }, private_key: { type: 'string' } },
  minProperties: 1,
  maxProperties: 1,
}

describe('GET /openapi.json', () => {
  it('is OpenAPI 3.1, and has every row of the interface', async () => {
    await using doors = await openDoors()
    const answer = await doors.tcp(KEY).get('/openapi.json').expect(200)
    const description = answer.body as {
      paths: Record<string, Record<string, { security: object[]; parameters?: object[] }>>
    }
    const validator = new Validator()
    expect(await validator.validate(description)).toMatchObject({ valid: true })
    expect(validator.version).toBe('3.1')
    const rows = routesOf(recordedDeps().deps).map(({ method, path }) => `${method} ${path}`)
    const described = Object.entries(description.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    )
    expect(described.sort()).toEqual(rows.sort())
    expect(description.paths['/v1/apps/{app}/token']?.get).toMatchObject({
      security: [{ accessKey: [] }],
      parameters: [
        { name: 'app', in: 'path', required: true },
        { name: 'min_ttl', in: 'query', required: false, schema: { type: 'string' } },
        { name: 'wait', in: 'query', required: false },
      ],
    })
    expect(description.paths['/v1/apps/{app}/client-secret']?.put).toMatchObject({
      description: expect.stringContaining('owner socket') as string,
      requestBody: {
        required: true,
        content: { 'application/json': { schema: CLIENT_SECRET } },
      },
    })
    expect(description.paths['/healthz']?.get?.security).toEqual([])
    await doors.tcp().get('/openapi.json').expect(401)
  })
})
