/** Routes for callers: the status of the apps, and their tokens. */
import { z } from 'zod'
import type { ServedToken } from '../core/status.ts'
import { SidecarError } from '../errors.ts'
import { appsSchema, jsonAnswer, statusSchema, tokenSchema } from './answer-schemas.ts'
import {
  type Answer,
  toJsonAnswer,
  toTextAnswer,
  toRfc3339OrNull,
  toStatusJson,
} from './answers.ts'
import { visibleApps } from './callers.ts'
import type { Deps } from './deps.ts'
import { secondsField, sha256Field } from './fields.ts'
import { type RouteRequest, type Route, route } from './route.ts'

/** How long a caller waits for a refresh under way, by default. */
const TOKEN_WAIT_S = 10
const TOKEN_WAIT_MAX_S = 60
const MIN_TTL_MAX_S = 365 * 86_400

/** As JSON, or bare to a request that prefers text. */
const TOKEN_ANSWERS = {
  200: {
    says: 'The token.',
    content: { 'application/json': tokenSchema, 'text/plain': z.string() },
  },
}

export function appRoutes(deps: Deps): Route[] {
  const { activity, broker, clock, log, problems, program, streams, version } = deps
  const toJson = createTokenJson()

  /** Makes the answer with `served`, counts the token and logs who got it. */
  function handOut(
    { request, response, caller, params }: RouteRequest<'{app}', unknown, unknown>,
    served: ServedToken,
    ms: number,
  ): Answer {
    // A caller that went away, or asked with HEAD, got no token.
    if (request.method !== 'HEAD' && !response.destroyed && !response.writableEnded) {
      const { fingerprint } = served
      activity.countToken(params.app, caller.name)
      log.info({ caller: caller.name, app: params.app, fingerprint, ms }, 'token served')
    }
    return wantsText(request)
      ? toTextAnswer(served.accessToken.expose())
      : toJson(params.app, served)
  }

  async function handOutLater(
    ask: RouteRequest<'{app}', unknown, unknown>,
    promised: Promise<ServedToken>,
  ): Promise<Answer> {
    const startedAt = clock.read().mono
    const served = await promised
    // The caller may have been removed meanwhile.
    ask.door.identify(ask.request)
    return handOut(ask, served, Math.round(clock.read().mono - startedAt))
  }

  return [
    // First, because routes are tried in turn, and this one has most requests.
    route({
      method: 'get',
      path: '/v1/apps/{app}/token',
      access: 'callers',
      summary:
        'The current token. expires_in and expires_at are null for a token that does not end.',
      answers: TOKEN_ANSWERS,
      query: z.strictObject({
        min_ttl: secondsField(MIN_TTL_MAX_S).optional(),
        wait: secondsField(TOKEN_WAIT_MAX_S, TOKEN_WAIT_S).default(TOKEN_WAIT_S),
      }),
      answer(ask) {
        const { min_ttl: minTtlS, wait } = ask.query
        const served = broker.token(ask.params.app, {
          waitMs: wait * 1000,
          caller: ask.caller.name,
          ...(minTtlS !== undefined && { minTtlMs: minTtlS * 1000 }),
        })
        return served instanceof Promise ? handOutLater(ask, served) : handOut(ask, served, 0)
      },
    }),
    route({
      method: 'post',
      path: '/v1/apps/{app}/refresh',
      access: 'callers',
      summary:
        'A new token, in place of one that an API refused; with "now", which is for the owner, whatever back-off or limit waits.',
      answers: TOKEN_ANSWERS,
      body: {
        schema: z.strictObject({
          rejected_sha256: sha256Field.optional(),
          now: z.literal(true, 'has to be true').optional(),
        }),
        required: false,
      },
      answer(ask) {
        const { rejected_sha256: rejectedSha256, now = false } = ask.body
        if (now && !ask.door.isOwners) {
          throw new SidecarError('forbidden', 'Only the owner may ask for a new token at once.', {
            hint: 'Leave "now" out: within the limit that callers share the daemon refreshes all the same.',
          })
        }
        const options = {
          caller: ask.caller.name,
          ...(rejectedSha256 !== undefined && { rejectedSha256 }),
          ...(now && { now }),
        }
        return handOutLater(ask, broker.refresh(ask.params.app, options))
      },
    }),
    route({
      method: 'get',
      path: '/v1/apps',
      access: 'callers',
      summary: 'The status of every app of the caller; never a token.',
      answers: { 200: jsonAnswer('The apps.', appsSchema) },
      answer: ({ caller, door }) =>
        toJsonAnswer({
          version,
          ...(door.isOwners && { program, problems: problems() }),
          apps: visibleApps(broker, caller).map((app) => toStatusJson(broker.status(app), door)),
        }),
    }),
    route({
      method: 'get',
      path: '/v1/events',
      access: 'callers',
      summary: 'Server-sent events: the status of every app of the caller, and each change of it.',
      answers: {
        200: {
          says: 'Events `status`, with the status of an app as JSON, `removed`, with its name, and with `activity=1` also `activity`, with an entry as in `/v1/activity`; `close` where the daemon ends the oldest of more than 32 streams of a caller.',
          content: { 'text/event-stream': z.string() },
        },
      },
      query: z.looseObject({ activity: z.literal('1', 'has to be 1').optional() }),
      answer({ caller, door, query, response }) {
        streams.open(caller, door, response, { activity: query.activity === '1' })
        return undefined
      },
    }),
    route({
      method: 'get',
      path: '/v1/apps/{app}',
      access: 'callers',
      summary: 'The status of one app; never a token.',
      answers: { 200: jsonAnswer('The app.', statusSchema) },
      answer: ({ params, door }) => toJsonAnswer(toStatusJson(broker.status(params.app), door)),
    }),
  ]
}

/**
 * Makes answers with the token as JSON. Within a second those for an app are the same bytes, and writing JSON is
 * the most expensive part of a response, so the last answer of each app is kept.
 */
function createTokenJson(): (app: string, served: ServedToken) => Answer {
  const last = new Map<string, { readonly served: ServedToken; readonly answer: Answer }>()
  return (app, served) => {
    const kept = last.get(app)
    if (kept && isSameToken(kept.served, served)) return kept.answer
    const answer = toJsonAnswer({
      app,
      access_token: served.accessToken.expose(),
      token_type: 'Bearer',
      expires_in: served.expiresInS,
      expires_at: toRfc3339OrNull(served.expiresAt),
      scope: served.scope,
    })
    last.set(app, { served, answer })
    return answer
  }
}

function isSameToken(one: ServedToken, other: ServedToken): boolean {
  return (
    one.expiresInS === other.expiresInS &&
    one.expiresAt === other.expiresAt &&
    one.scope === other.scope &&
    one.accessToken === other.accessToken
  )
}

/** Whether the request prefers the bare token to JSON, which is the default. */
function wantsText(request: RouteRequest<'', unknown, unknown>['request']): boolean {
  const { accept } = request.headers
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return false
  return request.accepts(['application/json', 'text/plain']) === 'text/plain'
}
