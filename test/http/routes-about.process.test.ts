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

  it('tells no secret and no person’s name', async () => {
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
        { name: 'min_ttl', in: 'query', required: false, schema: { type: 'integer', minimum: 0 } },
        {
          name: 'wait',
          in: 'query',
          required: false,
          schema: { type: 'integer', minimum: 0, maximum: 60, default: 10 },
        },
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
    const owners = (await doors.owner().get('/openapi.json').expect(200)).body as typeof description
    expect(owners.paths['/v1/apps/{app}/token']?.get?.security).toEqual([])
    await doors.tcp().get('/openapi.json').expect(401)
  })

  it('says what belongs together, and how much is taken', async () => {
    const { paths } = await describedBy()
    expect(paths['/healthz']?.get).toMatchObject({
      parameters: [
        {
          in: 'query',
          style: 'form',
          explode: true,
          schema: {
            properties: { caller: {}, nonce: { minLength: 1, maxLength: 256 } },
            dependentRequired: { caller: ['nonce'], nonce: ['caller'] },
          },
        },
      ],
    })
    expect(bodyOf(paths['/v1/vault/key']?.post)).toMatchObject({
      oneOf: [{ required: ['source'] }, { required: ['rotate'] }],
    })
    expect(bodyOf(paths['/v1/guard']?.post)).toMatchObject({
      properties: { sha256: { maxItems: 240, items: { pattern: '^[0-9a-fA-F]{64}$' } } },
    })
    expect(bodyOf(paths['/v1/callers']?.post)).toMatchObject({
      properties: { apps: { anyOf: [{ minItems: 1, maxItems: 1, items: false }, {}] } },
    })
  })

  it('has a schema for the body of every answer, whatever went wrong', async () => {
    const { paths, components } = await describedBy()
    const problem = { schema: { $ref: '#/components/schemas/Problem' } }
    const isProblem = { 'application/problem+json': problem }
    expect(components.responses.Problem?.content).toEqual(isProblem)
    expect(components.schemas.Problem).toMatchObject({
      required: ['type', 'title', 'status', 'detail', 'error', 'hint'],
    })
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { responses }] of Object.entries(operations)) {
        const { default: others, ...described } = responses
        expect(others).toEqual({ $ref: '#/components/responses/Problem' })
        for (const [status, { content = {} }] of Object.entries(described)) {
          const answer = `${method} ${path} ${status}`
          if (status >= '400') expect(content, answer).toMatchObject(isProblem)
          expect(Object.keys(content).length > 0, answer).toBe(status !== '204')
          for (const { schema } of Object.values(content)) expect(schema, answer).not.toEqual({})
        }
      }
    }
  })

  it('describes every answer, that of a daemon that is not ready too', async () => {
    const { paths } = await describedBy()
    for (const route of routesOf(recordedDeps().deps)) {
      const { responses } = paths[route.path]?.[route.method] ?? {}
      expect(Object.keys(responses ?? {})).toEqual([...Object.keys(route.answers), 'default'])
    }
    const { 200: ready, 503: notReady } = paths['/readyz']?.get?.responses ?? {}
    expect(Object.keys(notReady?.content ?? {})).toEqual([
      'application/json',
      'application/problem+json',
    ])
    expect(notReady?.content?.['application/json']).toEqual(ready?.content?.['application/json'])
    expect(Object.keys(paths['/v1/apps/{app}/token']?.get?.responses[200]?.content ?? {})).toEqual([
      'application/json',
      'text/plain',
    ])
    expect(paths['/v1/callers/{name}']?.delete?.responses[204]).not.toHaveProperty('content')
  })
})

type Content = Readonly<Record<string, { readonly schema: object }>>

interface Operation {
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

async function describedBy() {
  await using doors = await openDoors()
  const answer = await doors.owner().get('/openapi.json').expect(200)
  return answer.body as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
    readonly components: {
      readonly responses: Readonly<Record<string, { readonly content?: Content }>>
      readonly schemas: Readonly<Record<string, object>>
    }
  }
}

function bodyOf(operation: Operation | undefined): object | undefined {
  return operation?.requestBody?.content['application/json']?.schema
}
