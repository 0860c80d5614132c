/**
 * When a session will end whatever we do: by the lifetime that the server stated for its refresh
 * token, or by the age that the config names for all sessions of the app.
 */
import type { RefreshPolicy } from './app.ts'
import type { Instant } from './token.ts'

const DAY_MS = 24 * 3_600_000
const TEN_MINUTES_MS = 10 * 60_000

/** Two statements of one end differ by the time that answers take, and by whole seconds. */
const SAME_END_MS = 60_000

/** What is known of a session's life; a record keeps it. */
export interface SessionLife {
  /** When a person signed in. */
  readonly signedInAt?: Instant
  /** When the server said that the refresh token ends. */
  readonly refreshTokenExpiresAt?: Instant
  /** When it first named that end. */
  readonly refreshTokenStatedAt?: Instant
}

export interface SessionEnd {
  readonly at: Instant
  /** From when a person should hear of it. */
  readonly soonFrom: Instant
}

/** What is known after a server said at `now` that its refresh token lives for so long. */
export function stated(
  { refreshTokenExpiresAt: before, refreshTokenStatedAt: since }: SessionLife,
  lifetimeMs: number,
  now: Instant,
): SessionLife {
  const at = now + lifetimeMs
  // A server that counts down to a fixed end names the same one each time: its life began long ago.
  const isSame = before !== undefined && since !== undefined && at <= before + SAME_END_MS
  return { refreshTokenExpiresAt: at, refreshTokenStatedAt: isSame ? since : now }
}

/** What is left of a record when its session is over. */
export function withoutLife<R extends SessionLife>(record: R): Omit<R, keyof SessionLife> {
  const { signedInAt, refreshTokenExpiresAt, refreshTokenStatedAt, ...rest } = record
  return rest
}

/**
 * The end that is known in advance, if any. It is near in the last tenth of the session's life: a
 * day before its end at most, ten minutes at least, but never in the first half.
 */
export function sessionEnd(
  life: SessionLife,
  { sessionAgeMs }: RefreshPolicy,
): SessionEnd | undefined {
  const { signedInAt, refreshTokenExpiresAt, refreshTokenStatedAt } = life
  const byAge =
    signedInAt === undefined || sessionAgeMs === undefined ? Infinity : signedInAt + sessionAgeMs
  const at = Math.min(byAge, refreshTokenExpiresAt ?? Infinity)
  if (at === Infinity) return undefined
  const lifeMs = Math.max(0, at - ((at === byAge ? signedInAt : refreshTokenStatedAt) ?? at))
  const aheadMs = Math.min(lifeMs / 2, DAY_MS, Math.max(TEN_MINUTES_MS, lifeMs / 10))
  return { at, soonFrom: Math.round(at - aheadMs) }
}
