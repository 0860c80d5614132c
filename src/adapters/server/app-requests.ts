/**
 * The requests of one app to its authorization server: each is prepared afresh (`ready-request.ts`), since
 * endpoints and secrets change, and each ends in an outcome.
 */
import type * as oidc from 'openid-client'
import type {
  GrantOutcome,
  LastQuestion,
  PreparedRequest,
} from '../../core/authorization-server.ts'
import type { App } from '../../core/app.ts'
import type { Failure } from '../../core/ports.ts'
import type { Sealed } from '../../core/token.ts'
import type { ServerMetadata } from './discovery.ts'
import {
  type EndpointFailure,
  type EndpointName,
  isDiscovered,
  type Needs,
  urlOf,
} from './endpoints.ts'
import { isMoved, judgeUnusable } from './grant-failure.ts'
import { ANSWER_LIMITS, type ExchangeFacts, type ExchangeOptions } from './http-exchange.ts'
import { type AppRequestsOptions, createPrepare, type ReadyRequest } from './ready-request.ts'
import { isAccessToken, tidy, toGrant, UNPRINTABLE_TOKEN } from './token-response.ts'
import { otherTokenType } from './token-type.ts'

/** One kind of token request. */
export interface GrantRequest extends Pick<ExchangeOptions, 'adjust' | 'code'> {
  readonly clientSecret: Sealed | undefined
  /** Makes the request with openid-client, which also checks the response. */
  readonly ask: (configuration: oidc.Configuration) => Promise<oidc.TokenEndpointResponse>
  /** Why the server's metadata forbid the request; undefined where they do not. */
  readonly refuse?: (server: ServerMetadata) => Failure | undefined
  readonly needs?: Needs
  /** Error codes that end this kind of grant, besides the usual ones. */
  readonly final?: readonly string[]
  /** Whether a refresh token is spent: then more codes mean that it is refused for good. */
  readonly isRefresh?: boolean
  readonly spends: boolean
}

export interface AppRequests {
  /** A token request that is ready to be sent, or the outcome that it already has. */
  prepareTokens(request: GrantRequest): Promise<PreparedRequest>
  /**
   * Makes another authenticated request with `ask`, at the endpoint `name`. Resolves with the reason
   * where there can be none.
   */
  run<T>(
    name: EndpointName,
    clientSecret: Sealed | undefined,
    ask: (ready: ReadyRequest) => Promise<T>,
    options?: Pick<ExchangeOptions, 'tidy' | 'question'>,
  ): Promise<{ readonly kind: 'done'; readonly value: T } | EndpointFailure>
}

const TOKEN_ENDPOINT: Needs = { endpoints: ['token'], metadata: false }

export function createAppRequests(options: AppRequestsOptions): AppRequests {
  const { app, metadata, answerLimits = ANSWER_LIMITS } = options
  const prepare = createPrepare(options)

  async function attempt(
    { configuration, exchange, toFailure: failed }: ReadyRequest,
    { ask, final, isRefresh }: GrantRequest,
  ): Promise<GrantOutcome> {
    const { facts } = exchange
    try {
      const response = await ask(configuration)
      const other = otherTokenType(facts)
      if (other) return other
      if (!isAccessToken(response.access_token)) return judgeUnusable(facts, UNPRINTABLE_TOKEN)
      const received = facts.sentAt ?? options.clock.read()
      const grant = toGrant(response, {
        raw: facts.answer?.json ?? {},
        receivedAt: received.wall,
        configuredLifetimeMs: app.accessTokenLifetimeMs,
      })
      return { kind: 'granted', grant, received }
    } catch (error) {
      const other = otherTokenType(facts)
      const request = {
        wanted: 'access token',
        ...(final && { final }),
        ...(isRefresh && { isRefresh }),
      }
      return other ?? failed(error, request)
    }
  }

  /** Runs `attempt`, and once more where the server has moved the endpoint and publishes where to. */
  async function runFollowingMove<T>(
    name: EndpointName,
    ready: ReadyRequest,
    prepareAgain: () => Promise<ReadyRequest | EndpointFailure>,
    attempt: (ready: ReadyRequest) => Promise<T>,
  ): Promise<T> {
    const result = await attempt(ready)
    if (!isDiscovered(app, name) || !mayHaveMoved(ready.exchange.facts, app)) return result
    await metadata.renew(app.issuer)
    const again = await prepareAgain()
    const moved = again.kind === 'ready' && urlOf(again.server, name) !== urlOf(ready.server, name)
    return moved ? attempt(again) : result
  }

  return {
    async prepareTokens(request) {
      const { clientSecret, adjust, code, needs = TOKEN_ENDPOINT, spends, refuse } = request
      // openid-client calls its `fetch` long after this: the question is known by then.
      const asked: { question?: LastQuestion } = {}
      const prepareOnce = () =>
        prepare(needs, clientSecret, {
          tidy,
          answerLimitMs: spends ? answerLimits.spendingMs : answerLimits.plainMs,
          question: async () => asked.question?.(),
          adjust(form) {
            for (const [name, value] of Object.entries(app.tokenParameters ?? {})) {
              form.set(name, value)
            }
            adjust?.(form)
          },
          ...(code && { code }),
        })
      const ready = await prepareOnce()
      if (ready.kind !== 'ready') return { kind: 'settled', outcome: toGrantOutcome(ready) }
      const failure = refuse?.(ready.server)
      if (failure) return { kind: 'settled', outcome: { kind: 'rejected', failure } }
      return {
        kind: 'ready',
        send(question) {
          if (question) asked.question = question
          return runFollowingMove('token', ready, prepareOnce, (one) => attempt(one, request))
        },
      }
    },
    async run(name, clientSecret, ask, runOptions = {}) {
      const needs = { endpoints: [name], metadata: false }
      const prepareOnce = () => prepare(needs, clientSecret, runOptions)
      const ready = await prepareOnce()
      if (ready.kind !== 'ready') return ready
      return { kind: 'done', value: await runFollowingMove(name, ready, prepareOnce, ask) }
    },
  }
}

/** Whether the endpoint is not where it was, or the host of its own, to which nothing was sent. */
function mayHaveMoved({ answer, fault, withheld, sent, url }: ExchangeFacts, app: App): boolean {
  if (answer) return isMoved(answer.status)
  if (!fault || withheld || sent || url === undefined) return false
  return new URL(url).host !== new URL(app.issuer).host
}

function toGrantOutcome(unlocated: EndpointFailure): GrantOutcome {
  return unlocated.kind === 'unavailable' ? { ...unlocated, answerLost: false } : unlocated
}
