/**
 * The requests of one app to its authorization server: each is prepared anew, since endpoints and
 * secrets change, and each ends in an outcome.
 */
import * as oidc from 'openid-client'
import { type App, needsClientSecret } from '../../core/app.ts'
import type { Clock, Failure, GrantOutcome, Spending } from '../../core/ports.ts'
import type { Sealed } from '../../core/token.ts'
import type { ServerMetadata } from './discovery.ts'
import { locate, type Needs, type Unlocated } from './endpoints.ts'
import { failedOutcome, unusable } from './grant-failure.ts'
import type { IssuerFetch } from './issuer-fetch.ts'
import type { MetadataSource } from './metadata.ts'
import type { StartTimeLimit } from './time-limit.ts'
import { createExchange, type Exchange, type ExchangeOptions } from './token-exchange.ts'
import { tidy, toGrant } from './token-response.ts'

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
    const authentication = authenticate(app, clientSecret)
    if (!authentication) return { kind: 'misconfigured', failure: secretMissing(app) }
    const exchange = createExchange({ ...transport, ...exchangeOptions })
    const configuration = configure(app, located.metadata, authentication)
    configuration[oidc.customFetch] = exchange.fetch
    return { kind: 'prepared', configuration, exchange, server: located.metadata }
  }

  return {
    prepare,
    async askForTokens({ clientSecret, beforeSend }, ask, { needs, final, ...sending } = {}) {
      const prepared = await prepare(needs ?? TOKEN_ENDPOINT, clientSecret, {
        tidy,
        ...(beforeSend && { beforeSend }),
        ...sending,
      })
      if (prepared.kind === 'unavailable') return { ...prepared, answerLost: false }
      if (prepared.kind === 'misconfigured') return prepared
      const { facts } = prepared.exchange
      try {
        const asked = ask(prepared)
        if ('error' in asked) return { kind: 'rejected', failure: asked }
        const response = await asked
        if (response.token_type !== 'bearer') return unusable(facts, 'no bearer token')
        const grant = toGrant(response, facts.answer?.json ?? {})
        return { kind: 'granted', grant, received: facts.received ?? options.clock.read() }
      } catch (error) {
        return failedOutcome(error, facts, { wanted: 'access token', ...(final && { final }) })
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

/** Undefined where the app has to show a secret that we do not have. */
function authenticate(app: App, clientSecret: Sealed | undefined): oidc.ClientAuth | undefined {
  if (!needsClientSecret(app)) return oidc.None()
  if (!clientSecret) return undefined
  const isBasic = app.tokenEndpointAuthMethod === 'client_secret_basic'
  return (isBasic ? oidc.ClientSecretBasic : oidc.ClientSecretPost)(clientSecret.expose())
}

function secretMissing({ name }: App): Failure {
  return {
    error: 'client_secret_missing',
    message: `No client secret of the app "${name}" is stored: "evo-token secret ${name}" stores one.`,
  }
}
