/** Describes the interface in OpenAPI 3.1, from the same schemas that requests are checked by. */
import { z } from 'zod'
import { type AnswerRule, problemSchema } from './answer-schemas.ts'
import type { Door } from './door.ts'
import { NAME_PATTERN } from '../core/names.ts'
import { PROBLEM_CODES, PROBLEM_TYPE } from './problems.ts'
import type { Route } from './route.ts'

const PROBLEM_CONTENT = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } }

/** The response to every failed request. Its headers are optional. */
const PROBLEM_RESPONSE = {
  description: 'What went wrong (RFC 9457); `error` is a stable code.',
  headers: {
    Allow: { description: 'With 405: the methods of the path.', schema: { type: 'string' } },
    'Retry-After': {
      description: 'With 503: when to ask again, in seconds.',
      schema: { type: 'integer', minimum: 1 },
    },
    'WWW-Authenticate': { description: 'With 401.', schema: { type: 'string' } },
  },
  content: PROBLEM_CONTENT,
}

/** The description at a door: not each of them asks for a key. */
export function describeRoutes(routes: readonly Route[], version: string, door: Door): object {
  const paths = new Map<string, Record<string, object>>()
  for (const route of routes) {
    const operations = paths.get(route.path) ?? {}
    operations[route.method] = operationOf(route, door)
    paths.set(route.path, operations)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'evo-token',
      version,
      description:
        'A local credential agent. On TCP a caller shows its access key; a program that can open the owner socket needs none, and may do everything.',
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        accessKey: { type: 'http', scheme: 'bearer', description: 'An access key, `evtk_…`.' },
      },
      schemas: { Problem: schemaOf(problemSchema(PROBLEM_CODES), 'output') },
      responses: { Problem: PROBLEM_RESPONSE },
    },
  }
}

function operationOf(
  { path, access, summary, query, body, answers }: Route,
  { isOwners, asksForKey }: Door,
): object {
  const parameters = [...pathParameters(path), ...queryParameters(query)]
  const isForCallers = access === 'callers' || (access === 'owner' && isOwners)
  const owner = access === 'owner' ? ' For the owner alone, through the owner socket.' : ''
  return {
    summary,
    ...(owner && { description: owner.trim() }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: body.required,
        content: { 'application/json': { schema: schemaOf(body.schema, 'input') } },
      },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(responseOf)),
      default: { $ref: '#/components/responses/Problem' },
    },
    security: asksForKey && isForCallers ? [{ accessKey: [] }] : [],
  }
}

/** A route's own error status, such as 503 of `/readyz`, may also come with a problem. */
function responseOf([status, { says, content }]: [string, AnswerRule]): [string, object] {
  const described: Record<string, object> = {}
  for (const [type, schema] of Object.entries(content)) {
    described[type] = { schema: schemaOf(schema, 'output') }
  }
  if (status >= '400') Object.assign(described, PROBLEM_CONTENT)
  const hasBody = Object.keys(described).length > 0
  return [status, { description: says, ...(hasBody && { content: described }) }]
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', ...(name !== 'id' && { pattern: NAME_PATTERN.source }) },
  }))
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, object>>
  readonly required?: readonly string[]
  readonly dependentRequired?: object
}

/** Parameters that depend on one another become one object: OpenAPI cannot say it of single ones. */
function queryParameters(query: z.ZodType | undefined): object[] {
  if (!query) return []
  const schema: ObjectSchema = schemaOf(query, 'input')
  if (schema.dependentRequired) {
    const name = Object.keys(schema.dependentRequired).join('_and_')
    return [{ name, in: 'query', required: false, style: 'form', explode: true, schema }]
  }
  const { properties = {}, required = [] } = schema
  return Object.entries(properties).map(([name, described]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: described,
  }))
}

/** The JSON Schema; where a rule transforms its value, `input` describes what comes in. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema, ...described } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ jsonSchema }) {
      // An object of an answer may gain members.
      if (io === 'output' && jsonSchema.additionalProperties === false) {
        delete jsonSchema.additionalProperties
      }
      // A tuple has exactly that many items.
      if (jsonSchema.prefixItems && jsonSchema.items === undefined) {
        const { length } = jsonSchema.prefixItems
        Object.assign(jsonSchema, { items: false, minItems: length, maxItems: length })
      }
    },
  })
  return described
}
