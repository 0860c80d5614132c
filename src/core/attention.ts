/** When to notify a person: that an app needs attention, or that it has recovered. */
import type { Problem } from './problem.ts'
import type { ProblemCase } from './problem-cases.ts'

/** What a person is told of, as `EVO_TOKEN_EVENT` names it. `login_expires`: a sign-in is needed soon. */
export const ATTENTION_EVENTS = [
  'login_required',
  'misconfigured',
  'recovered',
  'login_expires',
] as const

export type AttentionEvent = (typeof ATTENTION_EVENTS)[number]

export type Need = Exclude<AttentionEvent, 'recovered'>

/** Cases without a notice: not signed in yet, signed out by a person, or a token without refresh token that expired. */
const CASES_WITHOUT_NOTICE: ReadonlySet<ProblemCase> = new Set([
  'signed_out',
  'secret_forgotten',
  'service_signed_out',
  'token_ended',
])

/** What a person has to be notified of, if anything: what only a person can correct. */
export function needOf(problem: Problem): Need | undefined {
  if (CASES_WITHOUT_NOTICE.has(problem.case)) return undefined
  if (problem.case === 'session_expires') return 'login_expires'
  return problem.code === 'login_required' || problem.code === 'misconfigured'
    ? problem.code
    : undefined
}

/** The notice to send when an app's need went from `before` to `now`. */
export function attentionEvent(
  before: Need | undefined,
  now: Need | undefined,
): AttentionEvent | undefined {
  if (before === now) return undefined
  // An end that was foreseen and did not come needs no notice.
  return now ?? (before === 'login_expires' ? undefined : 'recovered')
}
