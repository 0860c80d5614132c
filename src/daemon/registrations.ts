/** Connects each app of the config with its authorization server. */
import pLimit, { type LimitFunction } from 'p-limit'
import { createAuthorizationServer } from '../adapters/server/authorization-server.ts'
import type { IssuerFetch } from '../adapters/server/issuer-fetch.ts'
import type { MetadataSource } from '../adapters/server/metadata.ts'
import { readClientSecretCredential } from '../adapters/app-secrets/client-secret-credential.ts'
import { createReissueClock } from '../adapters/time/reissue-clock.ts'
import type { StartTimeLimit } from '../adapters/server/time-limit.ts'
import { createIssuerTurns } from '../broker/issuer-turns.ts'
import type { Sleep } from '../broker/wait-at-most.ts'
import { type App, needsClientSecret } from '../core/app.ts'
import type { Clock, Log } from '../core/ports.ts'
import type { IssuerTurns, Registration } from '../core/registration.ts'

export interface RegistrationDeps {
  readonly metadata: MetadataSource
  readonly fetch: IssuerFetch
  readonly clock: Clock
  readonly sleep: Sleep
  readonly startTimeLimit: StartTimeLimit
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How many requests that spend nothing may run at once; more would look like an attack to the server. */
const REQUESTS_PER_ISSUER = 8

/** What the apps of an issuer share; it outlives a reload, since requests may be running. */
interface IssuerLimits {
  readonly limit: LimitFunction
  readonly turns: IssuerTurns
}

export function createRegistrar(
  deps: RegistrationDeps,
): (apps: readonly App[]) => readonly Registration[] {
  const byIssuer = new Map<string, IssuerLimits>()
  const sharedOf = (issuer: string): IssuerLimits => {
    const shared = byIssuer.get(issuer) ?? {
      limit: pLimit(REQUESTS_PER_ISSUER),
      turns: createIssuerTurns(deps),
    }
    byIssuer.set(issuer, shared)
    return shared
  }
  return (apps) =>
    apps.map((app) => {
      const { limit, turns } = sharedOf(app.issuer)
      const server = createAuthorizationServer({ app, ...deps })
      const clientSecret = needsClientSecret(app)
        ? readClientSecretCredential(app.name, deps.env, deps.log)
        : undefined
      const fault = clientSecret && server.secretFault(clientSecret)
      if (fault)
        deps.log.warn({ app: app.name }, `a systemd credential is not used: ${fault.message}`)
      return {
        app,
        server,
        ...(clientSecret && { clientSecret }),
        nextReissue: app.reissue === undefined ? () => undefined : createReissueClock(app.reissue),
        limit: (work) => limit(work),
        turns,
      }
    })
}
