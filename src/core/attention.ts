/** When a person should be told of an app, and when that it is well again. */
import type { AppStatus } from './status.ts'

export type Need = 'login_required' | 'misconfigured'

/** What only a person can mend. An app that nobody ever signed in to needs nothing yet. */
export function needOf({ session, lastError }: AppStatus): Need | undefined {
  if (lastError === null) return undefined
  if (session === 'signed-out') return 'login_required'
  return session === 'misconfigured' ? 'misconfigured' : undefined
}

export type AttentionEvent = Need | 'recovered'

/** What to tell when an app's need went from `before` to `now`. */
export function attentionEvent(
  before: Need | undefined,
  now: Need | undefined,
): AttentionEvent | undefined {
  if (before === now) return undefined
  return now ?? 'recovered'
}
