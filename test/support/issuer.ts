/** The authorization server adapter, connected: to the real server, or to a scripted one. */
import { createAuthorizationServer } from '../../src/adapters/server/authorization-server.ts'
import { createIssuerFetch, type IssuerFetch } from '../../src/adapters/server/issuer-fetch.ts'
import { createMetadataSource } from '../../src/adapters/server/metadata.ts'
import { createTimeLimits, type StartTimeLimit } from '../../src/adapters/server/time-limit.ts'
import type { App } from '../../src/core/app.ts'
import type {
  AuthorizationRequest,
  AuthorizationServer,
  DeviceAuthorization,
  GrantOutcome,
  LastQuestion,
  PollOutcome,
  PreparedRequest,
} from '../../src/core/authorization-server.ts'
import type { Clock } from '../../src/core/ports.ts'
import type { Grant, Sealed } from '../../src/core/token.ts'
import { Secret } from '../../src/secret.ts'
import { CLIENTS, EVO_SCOPES, REDIRECT_URI } from './authorization-server.ts'
import { app, recordingLog } from './builders.ts'
import { createPerson, type Person } from './person.ts'

export const systemClock: Clock = {
  read: () => ({ wall: Date.now(), mono: performance.now() }),
}

export const { fetch: directFetch } = createIssuerFetch({ env: {} })

export const USER_SCOPES = [...EVO_SCOPES, 'offline_access']

/** An app of the real server, as its config would describe it. */
export function realApp(type: App['type'], issuer: string, overrides: Partial<App> = {}): App {
  const person = type !== 'service'
  return app({
    name: `evo-${type}`,
    type,
    clientId: CLIENTS[type].clientId,
    issuer,
    tokenEndpointAuthMethod: 'clientSecret' in CLIENTS[type] ? 'client_secret_post' : 'none',
    redirectUris: person ? [REDIRECT_URI] : [],
    scopes: person ? USER_SCOPES : EVO_SCOPES,
    authorizationParameters: person ? { prompt: 'consent' } : {},
    ...overrides,
  })
}

/** An app of a scripted server, whose endpoints are in the config. */
export function scriptedApp(url: string, overrides: Partial<App> = {}): App {
  return app({
    issuer: url,
    endpoints: { authorization: `${url}/authorize`, token: `${url}/token` },
    ...overrides,
  })
}

/** How a request that spends something is made, where a test is not about its steps. */
export interface Spending {
  readonly clientSecret: Sealed | undefined
  readonly question?: LastQuestion
}

/** The adapter, with the steps of each request that spends something put together. */
export interface ConnectedServer extends AuthorizationServer {
  refresh(refreshToken: Sealed, spending: Spending): Promise<GrantOutcome>
  redeem(request: AuthorizationRequest, callback: URL, spending: Spending): Promise<GrantOutcome>
  poll(authorization: DeviceAuthorization, spending: Spending): Promise<PollOutcome>
}

export function connect(
  connected: App,
  {
    clock = systemClock,
    timeoutMs,
    startTimeLimit = createTimeLimits(clock),
    fetch = directFetch,
  }: {
    clock?: Clock
    timeoutMs?: number
    startTimeLimit?: StartTimeLimit
    fetch?: IssuerFetch
  } = {},
): ConnectedServer {
  const log = recordingLog()
  const server = createAuthorizationServer({
    app: connected,
    metadata: createMetadataSource({ fetch, clock, log, startTimeLimit }),
    fetch,
    clock,
    startTimeLimit,
    ...(timeoutMs !== undefined && {
      answerLimits: { plainMs: timeoutMs, spendingMs: timeoutMs },
    }),
  })
  return {
    ...server,
    refresh: (refreshToken, { clientSecret, question }) =>
      sent(server.prepareRefresh(refreshToken, clientSecret), question),
    redeem: (request, callback, { clientSecret, question }) =>
      sent(server.prepareRedemption(request, callback, clientSecret), question),
    poll: (authorization, { clientSecret, question }) =>
      sent(server.preparePoll(authorization, clientSecret), question),
  }
}

async function sent<Outcome>(
  preparing: Promise<PreparedRequest<Outcome>>,
  question: LastQuestion | undefined,
): Promise<Outcome> {
  const prepared = await preparing
  return prepared.kind === 'ready' ? prepared.send(question) : prepared.outcome
}

export function secretOf(type: App['type']): Secret | undefined {
  const client = CLIENTS[type]
  return 'clientSecret' in client ? new Secret(client.clientSecret) : undefined
}

export function spending(clientSecret?: Sealed): Spending {
  return { clientSecret }
}

/** Signs `person` in, and returns what the server granted. */
export async function signIn(
  server: ConnectedServer,
  clientSecret?: Sealed,
  person: Person = createPerson('ada'),
): Promise<Grant> {
  const asked = await server.authorize(REDIRECT_URI, { switchUser: false })
  if (asked.kind !== 'ok') throw new Error(asked.failure.message)
  const { url } = await person.visit(asked.value.url, { stopAt: REDIRECT_URI })
  return grantOf(await server.redeem(asked.value, new URL(url), spending(clientSecret)))
}

export function grantOf(outcome: GrantOutcome): Grant {
  if (outcome.kind === 'granted') return outcome.grant
  throw new Error(`${outcome.kind}: ${outcome.failure.code}: ${outcome.failure.message}`)
}
