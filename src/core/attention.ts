/** When a person should be told of an app, and when that it is well again. */
import type { AppStatus } from './status.ts'

/** `login_expires`: a sign-in is needed soon. */
export type Need = 'login_required' | 'misconfigured' | 'login_expires'

/** What only a person can mend. An app that nobody ever signed in to needs nothing yet. */
export function needOf(status: AppStatus): Need | undefined {
  const { session, lastError, sessionExpiresSoon } = status
  if (session === 'signed-out') return lastError === null ? undefined : 'login_required'
  if (session === 'misconfigured') return 'misconfigured'
  if (status.isRefused) return 'login_required'
  return sessionExpiresSoon ? 'login_expires' : undefined
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
