/** Makes the handler of a door: guards first, then the routes, then our own errors. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import express, { type Express } from 'express'
import type { DaemonProblem } from '../core/daemon-problem.ts'
import { SidecarError } from '../errors.ts'
import { sendAnswer } from './answers.ts'
import { type Caller, NO_CALLER } from './callers.ts'
import type { Deps, PageService } from './deps.ts'
import type { Door } from './door.ts'
import { createGuard } from './guards.ts'
import { headersOf, toProblemAnswer, toSidecarError } from './problems.ts'
import { createRefusalLog, toLoggablePath } from './refusals.ts'
import { type Locals, mount, type Route } from './route.ts'
import { activityRoutes } from './routes-activity.ts'
import { aboutRoutes } from './routes-about.ts'
import { appRoutes } from './routes-apps.ts'
import { healthRoutes } from './routes-health.ts'
import { ownerRoutes } from './routes-owner.ts'
import { shareRoutes } from './routes-share.ts'
import { pageRoutes } from './routes-page.ts'
import { signInRoutes } from './routes-sign-in.ts'

/** Every route. */
export function routesOf(deps: Deps): Route[] {
  const routes = [
    ...appRoutes(deps),
    ...healthRoutes(deps),
    ...signInRoutes(deps),
    ...ownerRoutes(deps),
    ...shareRoutes(deps),
    ...activityRoutes(deps),
  ]
  routes.push(...aboutRoutes(deps, routes))
  return routes
}

/**
 * The routes on the page's door. None of them serves a token or a key, and none makes a caller: programs are
 * given access in the terminal only.
 */
export function routesOfPage(deps: Deps, page: PageService): Route[] {
  const shared = routesOf(deps).filter(({ method, path }) => FOR_THE_PAGE.has(`${method} ${path}`))
  return [...shared, ...pageRoutes(deps, page)]
}

const FOR_THE_PAGE: ReadonlySet<string> = new Set([
  'get /v1/apps',
  'get /v1/events',
  'get /v1/activity',
  'get /v1/activity/hours',
  'get /v1/callers',
  'post /v1/apps/{app}/login',
  'get /v1/apps/{app}/login/{id}',
  'delete /v1/apps/{app}/login/{id}',
  'post /v1/apps/{app}/logout',
])

/** The handler that a server calls for each request, and its express app. */
export interface DoorHandler {
  /** The name of the caller, where it has proven who it is. */
  (request: IncomingMessage, response: ServerResponse): string | undefined
  turnAway(response: ServerResponse): void
  readonly app: Express
}

const TOO_MANY_WAIT =
  'Too many requests wait at once, and this caller has most of them: this one is refused.'

/**
 * The guards run before express and our failure handler after it, so that no request passes unguarded
 * and none gets express's own HTML: express runs no middleware where it cannot parse the path, as in
 * `GET http://[/ HTTP/1.1`.
 */
export function createApp(deps: Deps, door: Door, routes = routesOf(deps)): DoorHandler {
  const app = express()
  app.enable('strict routing').enable('case sensitive routing')
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple')
  mount(app, routes, deps, door)

  const guard = createGuard(door, routes)
  const fail = createFailureHandler(deps, door)
  // Express calls the third argument when no route is left; its types leave that out.
  const toRoutes = app as unknown as (
    request: IncomingMessage,
    response: ServerResponse,
    done: (thrown?: unknown) => void,
  ) => void
  const endpoint = (request: IncomingMessage, response: ServerResponse & { locals?: Locals }) => {
    let caller: Caller
    try {
      caller = guard(request)
    } catch (thrown) {
      fail(thrown, request, response)
      return undefined
    }
    response.locals = { caller }
    toRoutes(request, response, (thrown) => {
      fail(
        thrown ?? new SidecarError('not_found', 'There is nothing at this path.'),
        request,
        response,
      )
    })
    return caller === NO_CALLER ? undefined : caller.name
  }
  const turnAway = (response: ServerResponse) => {
    response.shouldKeepAlive = false
    fail(new SidecarError('unavailable', TOO_MANY_WAIT), response.req, response)
  }
  return Object.assign(endpoint, { app, turnAway })
}

function createFailureHandler({ log, clock, problems }: Deps, door: Door) {
  const refused = createRefusalLog(log, clock)
  return (
    thrown: unknown,
    request: IncomingMessage,
    response: ServerResponse & { locals?: Locals },
  ): void => {
    const expected = toSidecarError(thrown)
    const about = {
      door: door.name,
      method: request.method,
      path: toLoggablePath(request),
      caller: response.locals?.caller.name,
    }
    if (!expected) log.error({ err: thrown, ...about }, 'a request failed because of a bug')
    else if (expected.code === 'failed') log.warn({ err: expected, ...about }, 'a request failed')
    else refused(expected.code, { ...about, detail: expected.message })
    // It was refused meanwhile.
    if (response.writableEnded) return
    if (response.headersSent) {
      response.destroy()
      return
    }
    const error = expected ?? replacedBelow(problems()) ?? new SidecarError('internal', '')
    for (const [name, value] of Object.entries(headersOf(error))) response.setHeader(name, value)
    sendAnswer(response, toProblemAnswer(error, door.isOwners))
  }
}

/** Explains a bug in a daemon whose files were replaced: it may have loaded one of another version. */
function replacedBelow(problems: readonly DaemonProblem[]): SidecarError | undefined {
  const found = problems.find(({ error }) => error === 'restart_needed')
  return found && new SidecarError('failed', found.message, { hint: found.hint })
}
