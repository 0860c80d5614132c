/**
 * Prepares an authenticated request to an endpoint of an app's server: where it goes, how the app proves
 * itself, and the exchange that carries it. Nothing is sent here.
 */
import * as oidc from 'openid-client'
import type { App } from '../../core/app.ts'
import type { Clock } from '../../core/ports.ts'
import type { Sealed } from '../../core/token.ts'
import { authenticationOf, nameMethod } from './client-authentication.ts'
import type { ServerMetadata } from './discovery.ts'
import { type EndpointFailure, locate, type Needs } from './endpoints.ts'
import { type FailedOutcome, type RequestFacts, toFailedOutcome } from './grant-failure.ts'
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
export interface ReadyRequest {
  readonly kind: 'ready'
  readonly configuration: oidc.Configuration
  readonly exchange: HttpExchange
  readonly server: ServerMetadata
  /** The outcome of a request that ended in `error`; throws a bug of ours. */
  readonly toFailure: (error: unknown, request: Omit<RequestFacts, 'hasSecret'>) => FailedOutcome
}

type Prepare = (
  needs: Needs,
  clientSecret: Sealed | undefined,
  exchangeOptions?: Partial<ExchangeOptions>,
) => Promise<ReadyRequest | EndpointFailure>

export function createPrepare(options: AppRequestsOptions): Prepare {
  const { app, metadata, answerLimits = ANSWER_LIMITS, ...transport } = options
  return async function prepare(
    needs: Needs,
    clientSecret: Sealed | undefined,
    exchangeOptions: Partial<ExchangeOptions> = {},
  ): Promise<ReadyRequest | EndpointFailure> {
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
}

export function configure(
  { clientId }: App,
  metadata: ServerMetadata,
  authentication: oidc.ClientAuth,
): oidc.Configuration {
  const configuration = new oidc.Configuration({ ...metadata }, clientId, {}, authentication)
  // Only for loopback: `locate` lets no other endpoint without TLS through.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the library marks it so to warn its users
  oidc.allowInsecureRequests(configuration)
  // The exchange limits the time, from when the request is sent.
  configuration.timeout = 0
  return configuration
}
