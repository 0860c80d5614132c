/** When a person should be told of an app, and when that it is well again. */
import type { AppStatus } from './status.ts'

/** `login_expires`: a sign-in is needed soon. */
export type Need = 'login_required' | 'misconfigured' | 'login_expires'

/** What only a person can mend. An app that nobody ever signed in to needs nothing yet. */
export function needOf(status: AppStatus): Need | undefined {
  const { session, type, lastError, sessionExpiresSoon } = status
  if (session === 'signed-out') return lastError === null ? undefined : requiredBy(type)
  if (session === 'misconfigured') return 'misconfigured'
  if (status.isRefused) return 'login_required'
  return sessionExpiresSoon ? 'login_expires' : undefined
}

/** The code of an app that is signed out: nobody signs in to a service app. */
export function requiredBy(type: string): 'login_required' | 'misconfigured' {
  return type === 'service' ? 'misconfigured' : 'login_required'
}

/** Whether the app's client secret or private key is what a person has to store, going by its session and its last error. */
export function secretMends({ type, session, error }: SecretWanted): boolean {
  if (session === 'signed-out') return type === 'service'
  const hasSecret = type === 'web' || type === 'service'
  return session === 'misconfigured' && hasSecret && error !== undefined && OF_SECRETS.has(error)
}

const OF_SECRETS = new Set(['client_secret_missing', 'private_key_missing', 'invalid_client'])

/** Of an app's status, as the broker has it or as a client was told it. */
interface SecretWanted {
  readonly type: string
  readonly session: string
  readonly error: string | undefined
}

export type AttentionEvent = Need | 'recovered'

/** What to tell when an app's need went from `before` to `now`. */
export function attentionEvent(
  before: Need | undefined,
  now: Need | undefined,
): AttentionEvent | undefined {
  if (before === now) return undefined
  // What was only foreseen did not come to pass: nothing has to be told.
  return now ?? (before === 'login_expires' ? undefined : 'recovered')
}
