/** Joins each app of the config with what talks to its authorization server. */
import pLimit, { type LimitFunction } from 'p-limit'
import { createAuthorizationServer } from '../adapters/server/authorization-server.ts'
import type { IssuerFetch } from '../adapters/server/issuer-fetch.ts'
import type { MetadataSource } from '../adapters/server/metadata.ts'
import { readClientSecretCredential } from '../adapters/client-secret-credential.ts'
import { createReissueClock } from '../adapters/reissue.ts'
import type { StartTimeLimit } from '../adapters/server/time-limit.ts'
import { type App, needsClientSecret } from '../core/app.ts'
import type { Clock, Log, Registration } from '../core/ports.ts'

export interface RegistrationDeps {
  readonly metadata: MetadataSource
  readonly fetch: IssuerFetch
  readonly clock: Clock
  readonly startTimeLimit: StartTimeLimit
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
}

/** More would look like an attack to the server, when a laptop with a hundred apps wakes up. */
const REQUESTS_PER_ISSUER = 8

/** The limits are kept from one config to the next: requests may be under way in a reload. */
export function createRegistrar(
  deps: RegistrationDeps,
): (apps: readonly App[]) => readonly Registration[] {
  const limits = new Map<string, LimitFunction>()
  const limitOf = (issuer: string) => {
    const limit = limits.get(issuer) ?? pLimit(REQUESTS_PER_ISSUER)
    limits.set(issuer, limit)
    return limit
  }
  return (apps) =>
    apps.map((app) => {
      const limit = limitOf(app.issuer)
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
      }
    })
}
