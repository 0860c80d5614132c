/** When a person should be told of an app, and when that it has recovered. */
import type { Problem } from './problem.ts'
import type { ProblemCase } from './problem-cases.ts'

/** `login_expires`: a sign-in is needed soon. */
export type Need = 'login_required' | 'misconfigured' | 'login_expires'

/** An app that is not signed in yet, that a person signed out, or whose token ended as was to be expected. */
const EXPECTED: ReadonlySet<ProblemCase> = new Set([
  'signed_out',
  'secret_forgotten',
  'service_signed_out',
  'token_ended',
])

/** What only a person can correct, and does not know of yet. */
export function needOf(problem: Problem): Need | undefined {
  if (EXPECTED.has(problem.case)) return undefined
  if (problem.case === 'session_expires') return 'login_expires'
  return problem.code === 'login_required' || problem.code === 'misconfigured'
    ? problem.code
    : undefined
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
