/** The error that a caller gets where there is no token to serve. */
import { isErrorCode } from '../core/error-codes.ts'
import { notRenewable, type Problem, renewalUnderWay } from '../core/problem.ts'
import type { Instant } from '../core/token.ts'
import { SidecarError, type SidecarErrorOptions } from '../errors.ts'
import type { AppState } from './app-state.ts'
import { problemsNow } from './status-of.ts'

/** When to ask again where an answer or a copy may come at any moment, in milliseconds. */
export const ASK_AGAIN_MS = 1_000

/** Why the app has no token to serve now. */
export function refusalOf(state: AppState, renewing: boolean): SidecarError {
  const now = state.deps.clock.read()
  const [problem] = problemsNow(state, now)
  // The token may have come between the look at the session and the one at its problem.
  if (!problem?.blocking) return toBlockedError(renewalUnderWay(state.app), ASK_AGAIN_MS)
  const { session } = state
  const waitMs = 'retryAt' in session && !renewing ? session.retryAt - now.mono : 0
  return toBlockedError(
    problem,
    problem.code === 'unavailable' ? Math.max(ASK_AGAIN_MS, waitMs) : undefined,
  )
}

/** Why the app can get no other token than the one it has, if any, without a person. */
export function notRenewableError(state: AppState): SidecarError {
  const problem = problemsNow(state, state.deps.clock.read()).find(
    ({ blocking, code }) => blocking || code === 'login_required',
  )
  return toBlockedError(problem ?? notRenewable(state.app))
}

/** A blocking problem as an error, with the words of both audiences. */
export function toBlockedError(problem: Problem, retryAfterMs?: number): SidecarError {
  const { callers, owner } = problem
  const options: SidecarErrorOptions = {
    hint: callers.hint,
    ownerWords: owner,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
  return new SidecarError(
    isErrorCode(problem.code) ? problem.code : 'unavailable',
    callers.message,
    options,
  )
}

/** A request that spends something has no answer yet, and the owner's change has to wait for it. */
export function answerOutstandingError(app: string, since: Instant): SidecarError {
  const time = new Date(since).toISOString().slice(11, 19)
  return new SidecarError(
    'unavailable',
    `A request of "${app}" to its authorization server has been out since ${time} UTC and must not be cut short. Nothing was changed.`,
    { hint: 'Try again in a minute; it ends within 5 minutes.', retryAfterMs: 30_000 },
  )
}
