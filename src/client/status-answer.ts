/** The status of an app, in the daemon's JSON. */
import type { DaemonProblem } from '../core/daemon-problem.ts'
import { failureOf } from './failures.ts'

export interface StatusAnswer {
  readonly app: string
  readonly type: string
  readonly session: string
  readonly freshness: string
  readonly expires_at: string | null
  readonly refresh_at: string | null
  readonly refreshed_at: string | null
  readonly retry_at: string | null
  readonly failures: number
  readonly scope: string | null
  readonly fingerprint: string | null
  readonly last_error: {
    readonly error: string
    readonly message: string
    readonly at: string
  } | null
  /** What is wrong with the app, and what to do; null where nothing is. */
  readonly problem: {
    readonly error: string
    readonly message: string
    readonly hint: string
    /** Whether it keeps a token from being served, or from surviving a restart. */
    readonly blocking: boolean
  } | null
  /** The keeper that renews the app, where hosts share it; only the owner gets this. */
  readonly home?: string
  /** Who is signed in; only the owner gets this. */
  readonly subject?: string | null
  /** When the session ends whatever the daemon does, where that is known; only the owner gets this. */
  readonly session_expires_at?: string | null
  /** Whether that is so near that a person should sign in again. */
  readonly session_expires_soon?: boolean
}

/** @throws {EvoTokenError} `not_running` where `value` is no status. */
export function toStatusAnswer(value: unknown): StatusAnswer {
  if (typeof value === 'object' && value !== null && 'app' in value && 'session' in value) {
    const status = value as StatusAnswer
    return 'problem' in value ? status : { ...status, problem: problemOfOlderDaemon(status) }
  }
  throw failureOf('its answer holds no status', 'this address')
}

/** The problem of a daemon of an earlier version, which names none: its last failure. */
function problemOfOlderDaemon({ last_error: failure }: StatusAnswer): StatusAnswer['problem'] {
  if (!failure) return null
  const hint = 'Restart the daemon: its version is older than this command.'
  return { error: failure.error, message: failure.message, hint, blocking: false }
}

/** `problems` of `GET /v1/apps`; empty for a caller, and from a daemon of an earlier version. */
export function toDaemonProblems(value: unknown): readonly DaemonProblem[] {
  return Array.isArray(value) ? (value as DaemonProblem[]) : []
}
