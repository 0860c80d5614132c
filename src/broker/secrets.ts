/** Trying an app's client secrets: the newest first, the proven one when that is refused. */
import type { Failure, GrantOutcome } from '../core/ports.ts'
import type { Sealed } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import type { RecordChange } from './ledger.ts'

export interface Attempt<T> {
  readonly outcome: T
  /** The record with the secret that this attempt proved, and without the one that it disproved. */
  readonly change: RecordChange
}

/** Runs `request` with each client secret until the server does not refuse the client itself. */
export async function withClientSecrets<T extends { readonly kind: string }>(
  state: AppState,
  request: (clientSecret: Sealed | undefined) => Promise<T | GrantOutcome>,
): Promise<Attempt<T | GrantOutcome>> {
  const { generation, identity, ...change } = state.ledger.record
  const { clientSecret: handedOver } = state.registration
  const [first, ...others] = state.clientSecrets()
  let outcome = await request(first)
  let used = first
  for (const secret of others) {
    if (!refusesClient(outcome)) break
    outcome = await request(secret)
    used = secret
  }
  const granted = outcome.kind === 'granted' || outcome.kind === 'salvaged'
  if (!granted || !change.nextClientSecret || !used) return { outcome, change }
  if (used !== change.nextClientSecret) {
    const fields = { app: state.app.name, secret: change.nextClientSecret.fingerprint }
    state.deps.log.warn(fields, 'the new client secret was refused; another one works and is kept')
  }
  const { nextClientSecret, ...proven } = change
  // A systemd credential stays where it is.
  if (used === handedOver) return { outcome, change: proven }
  return { outcome, change: { ...proven, clientSecret: used } }
}

function refusesClient(outcome: { readonly kind: string; readonly failure?: Failure }): boolean {
  return (
    outcome.kind === 'misconfigured' &&
    (outcome.failure?.error === 'invalid_client' ||
      outcome.failure?.error === 'unauthorized_client')
  )
}
