/**
 * The requests of one app to its authorization server: each is prepared anew, since endpoints and
 * secrets change, and each ends in an outcome.
 */
import * as oidc from 'openid-client'
import type { App } from '../../core/app.ts'
import type { Clock, Failure } from '../../core/ports.ts'
import type { GrantOutcome, LastQuestion, Prepared } from '../../core/authorization-server.ts'
import type { Sealed } from '../../core/token.ts'
import { authenticationOf, nameMethod } from './client-authentication.ts'
import type { ServerMetadata } from './discovery.ts'
import {
  type EndpointName,
  isDiscovered,
  locate,
  type Needs,
  type Unlocated,
  urlOf,
} from './endpoints.ts'
import {
  type FailedOutcome,
  isMoved,
  judgeUnusable,
  type Request,
  toFailedOutcome,
} from './grant-failure.ts'
import {
  ANSWER_LIMITS,
  type AnswerLimits,
  createExchange,
  type ExchangeOptions,
  type HttpExchange,
} from './http-exchange.ts'
import type { IssuerFetch } from './issuer-fetch.ts'
import type { MetadataSource } from './metadata.ts'
import type { StartTimeLimit } from './time-limit.ts'
import { isAccessToken, tidy, toGrant, UNPRINTABLE_TOKEN } from './token-response.ts'
import { otherTokenType } from './token-type.ts'

export interface AppRequestsOptions {
  readonly app: App
  readonly metadata: MetadataSource
  readonly fetch: IssuerFetch
  readonly clock: Clock
  readonly startTimeLimit: StartTimeLimit
  /** `ANSWER_LIMITS` where it is left out. */
  readonly answerLimits?: AnswerLimits
}

/** What an authenticated request needs; openid-client's configuration is good for one request. */
export interface Ready {
  readonly kind: 'ready'
  readonly configuration: oidc.Configuration
  readonly exchange: HttpExchange
  readonly server: ServerMetadata
  /** The outcome of a request that ended in `error`; throws a bug of ours. */
  readonly toFailure: (error: unknown, request: Omit<Request, 'hasSecret'>) => FailedOutcome
}

/** One kind of token request. */
export interface TokenRequest extends Pick<ExchangeOptions, 'adjust' | 'code'> {
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
  /** A token request that is ready to leave, or the outcome that it has already. */
  prepareTokens(request: TokenRequest): Promise<Prepared>
  /**
   * Makes another authenticated request with `ask`, at the endpoint `name`. Resolves with the reason
   * where there can be none.
   */
  run<T>(
    name: EndpointName,
    clientSecret: Sealed | undefined,
    ask: (ready: Ready) => Promise<T>,
    options?: Pick<ExchangeOptions, 'tidy' | 'question'>,
  ): Promise<{ readonly kind: 'done'; readonly value: T } | Unlocated>
}

const TOKEN_ENDPOINT: Needs = { endpoints: ['token'], metadata: false }

export function createAppRequests(options: AppRequestsOptions): AppRequests {
  const { app, metadata, answerLimits = ANSWER_LIMITS, ...transport } = options

  async function prepare(
    needs: Needs,
    clientSecret: Sealed | undefined,
    exchangeOptions: Partial<ExchangeOptions> = {},
  ): Promise<Ready | Unlocated> {
    const located = await locate(app, metadata, needs)
    if (located.kind !== 'located') return located
    const authentication = await authenticationOf(app, located.metadata, clientSecret)
    if ('code' in authentication) return { kind: 'misconfigured', failure: authentication }
    const { method, authenticate } = authentication
    const answerLimitMs = answerLimits.plainMs
    const exchange = createExchange({ ...transport, answerLimitMs, ...exchangeOptions })
    const configuration = configure(app, located.metadata, authenticate)
    configuration[oidc.customFetch] = exchange.fetch
    const { facts } = exchange
    const hasSecret = clientSecret !== undefined
    return {
      kind: 'ready',
      configuration,
      exchange,
      server: located.metadata,
      toFailure: (error, request) => {
        const outcome = toFailedOutcome(error, facts, { ...request, hasSecret })
        return nameMethod(outcome, facts, app, method, located.metadata)
      },
    }
  }

  async function attempt(
    { configuration, exchange, toFailure: failed }: Ready,
    { ask, final, isRefresh }: TokenRequest,
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
    ready: Ready,
    prepareAgain: () => Promise<Ready | Unlocated>,
    attempt: (ready: Ready) => Promise<T>,
  ): Promise<T> {
    const result = await attempt(ready)
    const { answer } = ready.exchange.facts
    if (!answer || !isMoved(answer.status) || !isDiscovered(app, name)) return result
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
      if (ready.kind !== 'ready') return { kind: 'settled', outcome: outcomeOf(ready) }
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

function outcomeOf(unlocated: Unlocated): GrantOutcome {
  return unlocated.kind === 'unavailable' ? { ...unlocated, answerLost: false } : unlocated
}

export function configure(
  { clientId }: App,
  metadata: ServerMetadata,
  authentication: oidc.ClientAuth,
): oidc.Configuration {
  const configuration = new oidc.Configuration({ ...metadata }, clientId, {}, authentication)
  // Only for loopback: `locate` lets no other endpoint without TLS through.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to make one think twice
  oidc.allowInsecureRequests(configuration)
  // Time is kept by the exchange, from when the request leaves.
  configuration.timeout = 0
  return configuration
}
