/**
 * When a session will end whatever we do: by the lifetime that the server stated for its refresh
 * token, or by the age that the config names for all sessions of the app.
 */
import type { RefreshPolicy } from './app.ts'
import type { Instant } from './token.ts'

const DAY_MS = 24 * 3_600_000
const TEN_MINUTES_MS = 10 * 60_000

/** What is known of a session's life; a record keeps it. */
export interface SessionLife {
  /** When a person signed in. */
  readonly signedInAt?: Instant
  /** When the server said that the refresh token ends. */
  readonly refreshTokenExpiresAt?: Instant
}

export interface SessionEnd {
  readonly at: Instant
  /** From when a person should hear of it. */
  readonly soonFrom: Instant
}

/**
 * The end that is known in advance, if any. It is near in the last tenth of the session's life: a
 * day before its end at most, ten minutes at least, but never in the first half.
 *
 * @param tokensAt when the current tokens came.
 */
export function sessionEnd(
  { signedInAt, refreshTokenExpiresAt }: SessionLife,
  { sessionAgeMs }: RefreshPolicy,
  tokensAt: Instant,
): SessionEnd | undefined {
  const byAge =
    signedInAt === undefined || sessionAgeMs === undefined ? Infinity : signedInAt + sessionAgeMs
  const at = Math.min(byAge, refreshTokenExpiresAt ?? Infinity)
  if (at === Infinity) return undefined
  const lifeMs = Math.max(0, at - (at === byAge ? (signedInAt ?? tokensAt) : tokensAt))
  const aheadMs = Math.min(lifeMs / 2, DAY_MS, Math.max(TEN_MINUTES_MS, lifeMs / 10))
  return { at, soonFrom: Math.round(at - aheadMs) }
}
