/**
 * When a session will end whatever we do: by what the server states of its refresh token's
 * lifetime, or by the age that the config names for all sessions of the app.
 *
 * A server that restates a lifetime with each refresh means one of two things. It counts down to
 * an end that stays where it is: each lifetime is shorter than the one before. Or each refresh
 * moves the end (Keycloak's idle time): the lifetime stays the same. Then there is nothing to warn
 * of, until a fixed end comes nearer (Keycloak's maximum) and the lifetime shrinks towards it. So
 * lifetimes are compared and not ends: they are all on the server's clock.
 */
import { DAY_MS, MINUTE_MS } from './durations.ts'
import type { RefreshPolicy } from './app.ts'
import type { Instant } from './token.ts'

const TEN_MINUTES_MS = 10 * MINUTE_MS

/** Two statements of one end differ by the time that answers take, and by whole seconds. */
const SAME_END_MS = 60_000

/** Two statements of one lifetime differ by whole seconds, rounded one way or the other. */
const SAME_LIFETIME_MS = 5_000

/** An end that stays has come nearer by more than `SAME_LIFETIME_MS` after this, however slow the answers. */
const TELLS_AFTER_MS = 60_000

/** What is known of a session's life; a record keeps it. */
export interface SessionLife {
  /** When a person signed in. */
  readonly signedInAt?: Instant
  /** When the refresh token ends, by the server's last statement. */
  readonly refreshTokenExpiresAt?: Instant
  /** When that end was first named. */
  readonly refreshTokenStatedAt?: Instant
  /** The stated lifetime that the next one is compared with, in milliseconds, and when it was stated. */
  readonly refreshTokenLifetimeMs?: number
  readonly refreshTokenLifetimeAt?: Instant
  /** A refresh has shown that it does not move the end. */
  readonly refreshTokenEndStays?: true
}

export interface SessionEnd {
  readonly at: Instant
  /** From when a person should hear of it. */
  readonly soonFrom: Instant
}

/**
 * What is known of a session's life after a grant at `now`.
 *
 * @param lifetimeMs how long the refresh token lives, as the server says; undefined where it says nothing.
 */
export function updateLife(
  life: SessionLife,
  lifetimeMs: number | undefined,
  now: Instant,
): SessionLife {
  const { signedInAt } = life
  return {
    ...(signedInAt !== undefined && { signedInAt }),
    ...endAfter(lastStatedEnd(life), lifetimeMs, now, hasMoved(life)),
  }
}

type StatedEnd = Omit<SessionLife, 'signedInAt'> & {
  readonly refreshTokenExpiresAt: Instant
  readonly refreshTokenStatedAt: Instant
}

function endAfter(
  before: StatedEnd | undefined,
  lifetimeMs: number | undefined,
  now: Instant,
  hasMoved: boolean,
): StatedEnd | undefined {
  if (lifetimeMs === undefined) {
    // Without a lifetime the end stays, unless earlier refreshes moved it. An end that has passed was not one.
    if (!before || now >= before.refreshTokenExpiresAt) return undefined
    return hasMoved ? before : { ...before, refreshTokenEndStays: true }
  }
  const named = { refreshTokenExpiresAt: now + lifetimeMs, refreshTokenStatedAt: now }
  const compared = { refreshTokenLifetimeMs: lifetimeMs, refreshTokenLifetimeAt: now }
  if (!before) return { ...named, ...compared }
  const isSame = named.refreshTokenExpiresAt <= before.refreshTokenExpiresAt + SAME_END_MS
  const since = isSame && { refreshTokenStatedAt: before.refreshTokenStatedAt }
  const { refreshTokenLifetimeMs: earlierMs, refreshTokenLifetimeAt: earlierAt } = before
  // A record of format 1 has nothing to compare with.
  if (earlierMs === undefined || earlierAt === undefined) return { ...named, ...since, ...compared }
  const longerMs = lifetimeMs - earlierMs
  const elapsedMs = now - earlierAt
  // Shorter than a countdown would be: the server's lifetimes have changed, so the comparison begins again.
  if (elapsedMs >= 0 && longerMs < -elapsedMs - SAME_END_MS) return { ...named, ...compared }
  if (longerMs < -SAME_LIFETIME_MS) {
    return { ...named, ...since, ...compared, refreshTokenEndStays: true }
  }
  const tooEarly = elapsedMs >= 0 && elapsedMs < TELLS_AFTER_MS && longerMs <= SAME_LIFETIME_MS
  // Too early to tell: the next statement is compared with the same earlier one again.
  return tooEarly ? { ...before, ...named, ...since } : { ...named, ...compared }
}

/** Whether a refresh has moved the end that was stated at the sign-in. */
function hasMoved({ signedInAt, refreshTokenStatedAt }: SessionLife): boolean {
  return (refreshTokenStatedAt ?? -Infinity) > (signedInAt ?? Infinity)
}

/** The end that was stated last, if any. */
function lastStatedEnd({
  refreshTokenExpiresAt,
  refreshTokenStatedAt,
  refreshTokenLifetimeMs,
  refreshTokenLifetimeAt,
  refreshTokenEndStays,
}: SessionLife): StatedEnd | undefined {
  if (refreshTokenExpiresAt === undefined || refreshTokenStatedAt === undefined) return undefined
  return {
    refreshTokenExpiresAt,
    refreshTokenStatedAt,
    ...(refreshTokenLifetimeMs !== undefined && { refreshTokenLifetimeMs }),
    ...(refreshTokenLifetimeAt !== undefined && { refreshTokenLifetimeAt }),
    ...(refreshTokenEndStays && { refreshTokenEndStays }),
  }
}

/** What is left of a record when its session is over. */
export function omitLife<R extends SessionLife>(record: R): Omit<R, keyof SessionLife> {
  const {
    signedInAt,
    refreshTokenExpiresAt,
    refreshTokenStatedAt,
    refreshTokenLifetimeMs,
    refreshTokenLifetimeAt,
    refreshTokenEndStays,
    ...rest
  } = record
  return rest
}

/**
 * The end that is known in advance, if any. It is near in the last tenth of the session's life: a
 * day before its end at most, ten minutes at least, but never in the first half. A stated end
 * counts where no refresh moves it: because it stays, or because none comes before it.
 *
 * @param nextRefreshAt when the session is refreshed next; Infinity where it is not.
 */
export function sessionEnd(
  life: SessionLife,
  { sessionAgeMs }: RefreshPolicy,
  nextRefreshAt = Infinity,
): SessionEnd | undefined {
  const { signedInAt, refreshTokenExpiresAt = Infinity, refreshTokenStatedAt } = life
  const counts = life.refreshTokenEndStays ?? refreshTokenExpiresAt <= nextRefreshAt
  const byAge =
    signedInAt === undefined || sessionAgeMs === undefined ? Infinity : signedInAt + sessionAgeMs
  const at = Math.min(byAge, counts ? refreshTokenExpiresAt : Infinity)
  if (at === Infinity) return undefined
  const lifeMs = Math.max(0, at - ((at === byAge ? signedInAt : refreshTokenStatedAt) ?? at))
  const aheadMs = Math.min(lifeMs / 2, DAY_MS, Math.max(TEN_MINUTES_MS, lifeMs / 10))
  return { at, soonFrom: Math.round(at - aheadMs) }
}
