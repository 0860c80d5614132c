/** The status of an app, for users of the client. */
import type { StatusAnswer } from './status-answer.ts'

export interface AppStatus {
  readonly app: string
  /** `native`, `spa`, `web` or `service`. */
  readonly type: string
  /** `signed-out`, `active`, `retrying` or `misconfigured`. */
  readonly session: string
  /** `fresh`, `stale`, `expired` or `none`. */
  readonly freshness: string
  readonly expiresAt: Date | null
  readonly refreshAt: Date | null
  readonly refreshedAt: Date | null
  readonly retryAt: Date | null
  /** Renewals that failed since the last successful one. */
  readonly failures: number
  /** Space-separated. */
  readonly scope: string | null
  /** The first 8 hex digits of the access token's SHA-256. */
  readonly fingerprint: string | null
  readonly lastError: {
    readonly code: string
    readonly message: string
    readonly at: Date
  } | null
  /** What is wrong with the app, and what to do; null where nothing is. */
  readonly problem: {
    readonly code: string
    readonly message: string
    readonly hint: string
    /** Whether it keeps a token from being served, or from surviving a restart. */
    readonly blocking: boolean
  } | null
}

/** @internal */
export function toAppStatus(answer: StatusAnswer): AppStatus {
  const { last_error: failure, problem } = answer
  return {
    app: answer.app,
    type: answer.type,
    session: answer.session,
    freshness: answer.freshness,
    expiresAt: toDate(answer.expires_at),
    refreshAt: toDate(answer.refresh_at),
    refreshedAt: toDate(answer.refreshed_at),
    retryAt: toDate(answer.retry_at),
    failures: answer.failures,
    scope: answer.scope,
    fingerprint: answer.fingerprint,
    lastError: failure && {
      code: failure.error,
      message: failure.message,
      at: new Date(failure.at),
    },
    problem: problem && {
      code: problem.error,
      message: problem.message,
      hint: problem.hint,
      blocking: problem.blocking,
    },
  }
}

function toDate(instant: string | null): Date | null {
  return instant === null ? null : new Date(instant)
}
