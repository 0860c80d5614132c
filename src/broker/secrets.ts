/** An app's client secrets: the newest is tried first, and the proven one when that is refused. */
import type { Failure } from '../core/ports.ts'
import type { Sealed } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import type { RecordChange } from './ledger.ts'

/** Whether the server refuses the client itself: then another secret may be the right one. */
export function refusesClient(outcome: {
  readonly kind: string
  readonly failure?: Failure
}): boolean {
  return (
    outcome.kind === 'misconfigured' &&
    (outcome.failure?.code === 'invalid_client' || outcome.failure?.code === 'unauthorized_client')
  )
}

/** The record with `secret`, which a grant has just proven, and without the one that it disproved. */
export function withProvenSecret(state: AppState, secret: Sealed | undefined): RecordChange {
  const { generation, identity, ...record } = state.ledger.record
  const { nextClientSecret, ...proven } = record
  if (!nextClientSecret || !secret) return record
  if (secret.sha256 !== nextClientSecret.sha256) {
    const fields = { app: state.app.name, secret: nextClientSecret.fingerprint }
    state.deps.log.warn(fields, 'the new client secret was refused; another one works and is kept')
  }
  // A systemd credential stays where it is.
  const isCredential = secret.sha256 === state.registration.clientSecret?.sha256
  return isCredential ? proven : { ...proven, clientSecret: secret }
}

/**
 * The client secrets to try, newest first; one `undefined` for an app that has none. A secret is left
 * out while the app has a private key in its place, and the other way round.
 */
export function clientSecretsOf({
  ledger,
  registration,
}: AppState): readonly (Sealed | undefined)[] {
  const { clientSecret, nextClientSecret } = ledger.record
  const { clientSecret: systemdSecret, server } = registration
  const secrets = [nextClientSecret, clientSecret, systemdSecret].filter(
    (secret) => secret !== undefined && !server.secretFault(secret),
  )
  return secrets.length > 0 ? secrets : [undefined]
}

/** The SHA-256 of every secret that we hold of the app. */
export function secretDigestsOf({ ledger, registration, session }: AppState): readonly string[] {
  const { clientSecret, nextClientSecret } = ledger.record
  const { accessToken, refreshToken } = session.tokens ?? {}
  const systemdSecret = registration.clientSecret
  return [clientSecret, nextClientSecret, systemdSecret, accessToken, refreshToken].flatMap(
    (secret) => (secret ? [secret.sha256] : []),
  )
}
