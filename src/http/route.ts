/**
 * One row of the HTTP contract: who may send a request, what it has to be, and what answers it. Rows are data,
 * so that the OpenAPI description is made from what is really checked.
 */
import type * as express from 'express'
import type { z } from 'zod'
import { SidecarError } from '../errors.ts'
import type { AnswerRule } from './answer-schemas.ts'
import { type Answer, sendAnswer } from './answers.ts'
import { type Caller, isVisible, unknownApp, visibleApps } from './callers.ts'
import type { Deps } from './deps.ts'
import type { Door } from './door.ts'
import { parseValue, readJsonBody } from './request.ts'

/** What the guards leave on the response. */
export interface Locals {
  readonly caller: Caller
}

type HttpRequest = express.Request<
  Readonly<Record<string, string>>,
  unknown,
  unknown,
  express.Request['query'],
  Locals
>
type Response = express.Response<unknown, Locals>

type Method = 'get' | 'post' | 'put' | 'delete'

/** `'app' | 'id'` of `/v1/apps/{app}/login/{id}`. */
type ParameterOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterOf<Rest>
  : never

/** A request that has passed every check of its route. */
export interface RouteRequest<Path extends string, Query, Body> {
  readonly caller: Caller
  readonly door: Door
  readonly params: Readonly<Record<ParameterOf<Path>, string>>
  readonly query: Query
  readonly body: Body
  readonly request: HttpRequest
  readonly response: Response
}

/** Undefined where a route has written its `response` itself. */
export type RouteResult = Answer | undefined | Promise<Answer | undefined>

interface BodyRule<Schema extends z.ZodType> {
  readonly schema: Schema
  readonly required: boolean
}

interface RouteFacts {
  readonly method: Method
  /** As OpenAPI writes it, with its parameters in braces. */
  readonly path: string
  readonly access: 'anyone' | 'callers' | 'owner'
  readonly summary: string
  /** Its responses by status; those of problems are the same for all routes. */
  readonly answers: Readonly<Record<number, AnswerRule>>
}

export interface Route extends RouteFacts {
  readonly query?: z.ZodType
  readonly body?: BodyRule<z.ZodType>
  readonly answer: (request: HttpRequest, response: Response, door: Door) => RouteResult
}

/** Makes a route whose `answer` gets path, query and body with the declared types. */
export function route<
  const Path extends string,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
>(
  definition: RouteFacts & {
    readonly path: Path
    /** Has to accept `{}`, for a request without a query. Without this schema a query is ignored. */
    readonly query?: Query
    readonly body?: BodyRule<Body>
    readonly answer: (ask: RouteRequest<Path, z.output<Query>, z.output<Body>>) => RouteResult
  },
): Route {
  const { query: querySchema, body: bodyRule, answer, ...facts } = definition
  const noQuery = querySchema?.parse({})
  return {
    ...facts,
    ...(querySchema && { query: querySchema }),
    ...(bodyRule && { body: bodyRule }),
    answer(request, response, door) {
      const query =
        querySchema && request.url.includes('?') ? parseValue(querySchema, request.query) : noQuery
      const toAsk = (body: unknown) =>
        ({
          caller: response.locals.caller,
          door,
          params: request.params,
          query,
          body,
          request,
          response,
        }) as RouteRequest<Path, z.output<Query>, z.output<Body>>
      return bodyRule
        ? readJsonBody(request, bodyRule).then((body) => answer(toAsk(body)))
        : answer(toAsk(undefined))
    },
  }
}

/** Mounts `routes` on `app`. At a door that is not the owner's, routes of the owner refuse every request. */
export function mount(
  app: express.Express,
  routes: readonly Route[],
  deps: Deps,
  door: Door,
): void {
  for (const path of new Set(routes.map((row) => row.path))) {
    const rows = routes.filter((row) => row.path === path)
    const mounted = app.route(path.replaceAll(/\{(\w+)\}/g, ':$1'))
    for (const row of rows) {
      if (!door.isOwners && row.access === 'owner') mounted.all(refuseOwnerRoute)
      mounted[row.method](toHandler(row, deps, door))
    }
    mounted.all(refuseMethod(rows))
  }
}

function toHandler(
  row: Route,
  deps: Deps,
  door: Door,
): (request: HttpRequest, response: Response) => Promise<void> | undefined {
  const ofApp = row.path.includes('{app}')
  return (request, response) => {
    const { app = '' } = request.params
    if (ofApp && !isVisible(deps.broker, response.locals.caller, app)) {
      return refuseApp(deps, door, response.locals.caller, app)
    }
    const answered = row.answer(request, response, door)
    if (answered instanceof Promise) {
      return answered.then((answer) => {
        if (answer) sendAnswer(response, answer)
      })
    }
    if (answered) sendAnswer(response, answered)
    return undefined
  }
}

/** @throws {SidecarError} `unknown_app`. */
async function refuseApp(
  { broker, appsInConfig }: Deps,
  { isOwners }: Door,
  caller: Caller,
  app: string,
): Promise<void> {
  const inFile = isOwners && (await appsInConfig()).includes(app)
  throw unknownApp('unknown_app', app, visibleApps(broker, caller), inFile)
}

const refuseOwnerRoute: express.RequestHandler = () => {
  throw new SidecarError('forbidden', 'Only the owner may do this, through the owner socket.', {
    hint: 'Use the command line as the user that runs the daemon.',
  })
}

function refuseMethod(rows: readonly Route[]): express.RequestHandler {
  const methods = rows.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method]))
  const allow = methods.map((method) => method.toUpperCase()).join(', ')
  return (request, response) => {
    response.setHeader('Allow', allow)
    throw new SidecarError('method_not_allowed', `${request.method} is not possible here.`)
  }
}
