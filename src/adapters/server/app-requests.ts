/**
 * The requests of one app to its authorization server: each is prepared anew, since endpoints and
 * secrets change, and each ends in an outcome.
 */
import * as oidc from 'openid-client'
import type { App } from '../../core/app.ts'
import type { Clock, Failure, GrantOutcome, Spending } from '../../core/ports.ts'
import type { Sealed } from '../../core/token.ts'
import { authenticationOf, namingMethod } from './client-authentication.ts'
import type { ServerMetadata } from './discovery.ts'
import { locate, type Needs, type Unlocated } from './endpoints.ts'
import { type FailedOutcome, failedOutcome, type Sought } from './grant-failure.ts'
import type { IssuerFetch } from './issuer-fetch.ts'
import type { MetadataSource } from './metadata.ts'
import type { StartTimeLimit } from './time-limit.ts'
import { createExchange, type Exchange, type ExchangeOptions } from './token-exchange.ts'
import { tidy, toGrant } from './token-response.ts'
import { otherTokenType } from './token-type.ts'

export interface AppRequestsOptions {
  readonly app: App
  readonly metadata: MetadataSource
  readonly fetch: IssuerFetch
  readonly clock: Clock
  readonly startTimeLimit: StartTimeLimit
  /** For one request, from when it leaves. */
  readonly timeoutMs?: number
}

interface Prepared {
  readonly kind: 'prepared'
  /** Of openid-client, good for one request. */
  readonly configuration: oidc.Configuration
  readonly exchange: Exchange
  readonly server: ServerMetadata
  /** What became of the request that ended in `error`; throws what is our own mistake. */
  readonly failed: (error: unknown, sought: Sought) => FailedOutcome
}

interface TokenRequestOptions extends Pick<ExchangeOptions, 'adjust' | 'code'> {
  readonly needs?: Needs
  /** Error codes that end this kind of grant, besides the usual ones. */
  readonly final?: readonly string[]
}

export interface AppRequests {
  /** Everything for a request that shows who we are; or why there can be none. */
  prepare(
    needs: Needs,
    clientSecret: Sealed | undefined,
    options?: Partial<ExchangeOptions>,
  ): Promise<Prepared | Unlocated>
  /** Has `ask` send one request to the token endpoint, unless it returns why it should not. */
  askForTokens(
    spending: Partial<Spending>,
    ask: (prepared: Prepared) => Promise<oidc.TokenEndpointResponse> | Failure,
    options?: TokenRequestOptions,
  ): Promise<GrantOutcome>
}

const TOKEN_ENDPOINT: Needs = { endpoints: ['token'], metadata: false }

export function createAppRequests(options: AppRequestsOptions): AppRequests {
  const { app, metadata, ...transport } = options

  async function prepare(
    needs: Needs,
    clientSecret: Sealed | undefined,
    exchangeOptions: Partial<ExchangeOptions> = {},
  ): Promise<Prepared | Unlocated> {
    const located = await locate(app, metadata, needs)
    if (located.kind !== 'located') return located
    const authentication = await authenticationOf(app, located.metadata, clientSecret)
    if ('error' in authentication) return { kind: 'misconfigured', failure: authentication }
    const { method, authenticate } = authentication
    const exchange = createExchange({ ...transport, ...exchangeOptions })
    const configuration = configure(app, located.metadata, authenticate)
    configuration[oidc.customFetch] = exchange.fetch
    const { facts } = exchange
    return {
      kind: 'prepared',
      configuration,
      exchange,
      server: located.metadata,
      failed: (error, sought) =>
        namingMethod(failedOutcome(error, facts, sought), facts, app, method, located.metadata),
    }
  }

  return {
    prepare,
    async askForTokens({ clientSecret, beforeSend }, ask, { needs, final, ...sending } = {}) {
      const prepared = await prepare(needs ?? TOKEN_ENDPOINT, clientSecret, {
        tidy,
        ...(beforeSend && { beforeSend }),
        ...sending,
        adjust(form) {
          for (const [name, value] of Object.entries(app.tokenParameters ?? {}))
            form.set(name, value)
          sending.adjust?.(form)
        },
      })
      if (prepared.kind === 'unavailable') return { ...prepared, answerLost: false }
      if (prepared.kind === 'misconfigured') return prepared
      const { facts } = prepared.exchange
      try {
        const asked = ask(prepared)
        if ('error' in asked) return { kind: 'rejected', failure: asked }
        const response = await asked
        const other = otherTokenType(facts)
        if (other) return other
        const received = facts.received ?? options.clock.read()
        const grant = toGrant(response, {
          raw: facts.answer?.json ?? {},
          receivedAt: received.wall,
          configuredLifetimeMs: app.accessTokenLifetimeMs,
        })
        return { kind: 'granted', grant, received }
      } catch (error) {
        const other = otherTokenType(facts)
        return other ?? prepared.failed(error, { wanted: 'access token', ...(final && { final }) })
      }
    },
  }
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
