/** The description of the interface, in OpenAPI 3.1: made from the very rows that requests are checked by. */
import { z } from 'zod'
import type { Route } from './route.ts'

const PROBLEM = {
  description: 'What went wrong (RFC 9457); `error` is a stable code.',
  content: {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  },
}

export function describeRoutes(routes: readonly Route[], version: string): object {
  const paths = new Map<string, Record<string, object>>()
  for (const route of routes) {
    const operations = paths.get(route.path) ?? {}
    operations[route.method] = operationOf(route)
    paths.set(route.path, operations)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'evo-token',
      version,
      description:
        'A local credential agent. On TCP a caller shows its access key; whoever can open the owner socket needs none, and may do everything.',
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        accessKey: { type: 'http', scheme: 'bearer', description: 'An access key, `evtk_…`.' },
      },
      schemas: {
        Problem: {
          type: 'object',
          required: ['type', 'title', 'status', 'detail', 'error', 'hint'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            error: { type: 'string' },
            hint: { type: 'string' },
          },
        },
      },
    },
  }
}

function operationOf({ path, access, summary, query, body }: Route): object {
  const parameters = [...pathParameters(path), ...queryParameters(query)]
  const owner = access === 'owner' ? ' For the owner alone, through the owner socket.' : ''
  return {
    summary,
    ...(owner && { description: owner.trim() }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: body.required,
        content: { 'application/json': { schema: schemaOf(body.schema) } },
      },
    }),
    responses: { '2XX': { description: summary }, default: PROBLEM },
    security: access === 'callers' ? [{ accessKey: [] }] : [],
  }
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters(query: z.ZodType | undefined): object[] {
  if (!query) return []
  const { properties = {}, required = [] } = schemaOf(query) as {
    properties?: Record<string, object>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

/** What may be sent: of a rule that changes what it was given, the side that comes in. */
function schemaOf(schema: z.ZodType): object {
  const { $schema, ...described } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return described
}
