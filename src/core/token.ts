/**
 * What an authorization server gave us, and how long it may be relied on.
 *
 * Ages, not instants, decide: a token's age is the larger of what the wall clock
 * and the monotonic clock say, so neither a sleep (which the monotonic clock
 * does not see) nor a wall clock set back makes an expired token look fresh.
 */

/** An instant: milliseconds since the Unix epoch. */
export type Instant = number

/** The last year of RFC 3339 §5.6 is 9999. */
export const LAST_INSTANT: Instant = Date.UTC(9999, 11, 31, 23, 59, 59)

/** Both clocks, read together. `mono` counts milliseconds from an arbitrary start. */
export interface Reading {
  readonly wall: Instant
  readonly mono: number
  /** Which start of the machine `mono` counts from, for all processes; absent where that is not known. */
  readonly boot?: string
}

/** Two clocks that agree to within this have not been set and have not slept. */
export const CLOCK_DRIFT_MS = 2_000

/** A secret as the core sees it: something to carry, never to look into. */
export interface Sealed {
  /** Lower-case hex SHA-256 of the value. */
  readonly sha256: string
  /** The first 8 hex digits of `sha256`. */
  readonly fingerprint: string
  expose(): string
}

/**
 * The members of a stored object that this version does not know: a newer evo-token wrote them, and
 * they go back to disk as they came. One JSON object, sealed, since there may be a secret in it.
 * They belong to the object that they stand in, and end with it: what was kept beside one access
 * token says nothing of the next.
 */
export interface UnknownMembers {
  readonly unknownMembers?: Sealed
}

/** Who signed in, where the token tells. */
export interface Subject extends UnknownMembers {
  readonly id: string
  /** For people to read: a name or an e-mail address. */
  readonly name?: string
}

/** Whether these are certainly not the same person. */
export function areDifferent(one: Subject | undefined, other: Subject | undefined): boolean {
  return one !== undefined && other !== undefined && one.id !== other.id
}

/** A token response (RFC 6749 §5.1), validated by the adapter. */
export interface Grant {
  readonly accessToken: Sealed
  readonly refreshToken?: Sealed
  /** Null for a token that does not end. */
  readonly lifetimeMs: number | null
  /** Set where nothing told the lifetime, and the config's or our own assumption stands in its place. */
  readonly lifetimeAssumed?: true
  /** As the server stated it; absent where it said nothing, which means "as asked" (RFC 6749 §5.1). */
  readonly scope?: string
  readonly subject?: Subject
  /** How long the server says that the refresh token lives, in milliseconds. */
  readonly refreshTokenLifetimeMs?: number
}

/** The tokens of a session. Those of the next grant are another object, without unknown members. */
export interface TokenSet extends UnknownMembers {
  readonly accessToken: Sealed
  readonly refreshToken?: Sealed
  /** When their request was sent, on both clocks. */
  readonly received: Reading
  /** Null for a token that does not end: it is fresh for ever. */
  readonly lifetimeMs: number | null
  readonly lifetimeAssumed?: true
  /** In [0, 1), drawn when the tokens arrived: the share of the jitter by which the next refresh is delayed. */
  readonly draw: number
  /** The record claims to come from the future, so that the age is not known: stale at once. */
  readonly fromFuture?: true
  readonly scope?: string
  readonly subject?: Subject
}

/**
 * `fresh`: serve it. `stale`: serve it, and fetch the next one meanwhile.
 * `expired`: never serve it. `none`: there is no token.
 */
export type Freshness = 'fresh' | 'stale' | 'expired' | 'none'

/** How early to refresh. */
export interface FreshnessPolicy {
  /** How long before its end a token becomes stale, in milliseconds: at most a quarter of its life. */
  readonly aheadMs: number
}

export function freshness(
  tokens: TokenSet | undefined,
  now: Reading,
  policy: FreshnessPolicy,
): Freshness {
  if (!tokens) return 'none'
  if (tokens.lifetimeMs === null) return 'fresh'
  const age = ageMs(tokens, now)
  if (age >= tokens.lifetimeMs) return 'expired'
  return age >= staleAgeMs(tokens, policy) ? 'stale' : 'fresh'
}

/** How long the token may still be served, in milliseconds; never negative, infinite without an end. */
export function remainingMs(tokens: TokenSet, now: Reading): number {
  return Math.max(0, (tokens.lifetimeMs ?? Infinity) - ageMs(tokens, now))
}

/** When the token ends, told by the wall clock as it stands now; null where it does not. */
export function expiresAt(tokens: TokenSet, now: Reading): Instant | null {
  return tokens.lifetimeMs === null ? null : instantOfAge(tokens, tokens.lifetimeMs, now)
}

/** When the token becomes stale, told by the wall clock as it stands now; infinite without an end. */
export function staleAt(tokens: TokenSet, now: Reading, policy: FreshnessPolicy): Instant {
  return tokens.lifetimeMs === null
    ? Infinity
    : instantOfAge(tokens, staleAgeMs(tokens, policy), now)
}

/**
 * The age from which the token is stale; infinite for one without an end. Asked each time, so that a
 * policy that changes holds for the token in hand. The last tenth of the lead is jitter: apps that
 * signed in together do not refresh together for ever.
 */
function staleAgeMs({ lifetimeMs, draw, fromFuture }: TokenSet, policy: FreshnessPolicy): number {
  if (fromFuture) return 0
  if (lifetimeMs === null) return Infinity
  const leadMs = Math.min(policy.aheadMs, lifetimeMs / 4) * (1 - draw / 10)
  return Math.round(lifetimeMs - leadMs)
}

/**
 * When the tokens are `ageAtMs` old, told by the wall clock as it stands now. The two clocks drift
 * apart by milliseconds all the time; only a difference that means a clock was set changes the answer.
 */
export function instantOfAge({ received }: TokenSet, ageAtMs: number, now: Reading): Instant {
  const setBackMs = now.mono - received.mono - (now.wall - received.wall)
  return received.wall + ageAtMs - (setBackMs > CLOCK_DRIFT_MS ? Math.round(setBackMs) : 0)
}

/** How long ago the request for the tokens was sent, in milliseconds. */
export function ageMs({ received }: TokenSet, now: Reading): number {
  return Math.max(now.wall - received.wall, now.mono - received.mono)
}

/** The tokens of a grant. @param sent when its request was sent. @param draw random, in [0, 1). */
export function receive(grant: Grant, sent: Reading, draw: number): TokenSet {
  const { refreshTokenLifetimeMs, ...kept } = grant
  return { ...kept, received: sent, draw }
}

/** The lifetime where neither the response (RFC 6749 §5.1 allows that) nor the token nor the config states one. */
const ASSUMED_LIFETIME_MS = 300_000

/** The lifetime of a token that neither it nor its response states; null where it does not end. */
export function assumedLifetimeMs(configuredMs: number | null | undefined): number | null {
  return configuredMs === undefined ? ASSUMED_LIFETIME_MS : configuredMs
}

/** The tokens with the lifetime that the config assumes now, where none was stated when they arrived. */
export function reassume(tokens: TokenSet, configuredMs: number | null | undefined): TokenSet {
  const lifetimeMs = assumedLifetimeMs(configuredMs)
  if (!tokens.lifetimeAssumed || tokens.lifetimeMs === lifetimeMs) return tokens
  return { ...tokens, lifetimeMs }
}
