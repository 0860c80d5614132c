/**
 * What an authorization server gave us, and how long it may be relied on.
 *
 * Ages, not instants, decide: a token's age is the larger of what the wall clock
 * and the monotonic clock say, so neither a sleep (which the monotonic clock
 * does not see) nor a wall clock set back makes an expired token look fresh.
 */

/** An instant: milliseconds since the Unix epoch. */
export type Instant = number

/** Both clocks, read together. `mono` counts milliseconds from an arbitrary start. */
export interface Reading {
  readonly wall: Instant
  readonly mono: number
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

/** Who signed in, where the token tells. */
export interface Subject {
  readonly id: string
  /** For people to read: a name or an e-mail address. */
  readonly name?: string
}

/** A token response (RFC 6749 §5.1) as an adapter hands it over, its oddities already judged. */
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

/** The tokens of a session. */
export interface TokenSet {
  readonly accessToken: Sealed
  readonly refreshToken?: Sealed
  /** When the answer arrived, on both clocks. */
  readonly received: Reading
  /** Null for a token that does not end: it is fresh for ever. */
  readonly lifetimeMs: number | null
  readonly lifetimeAssumed?: true
  /** The age from which a token with an end is stale; its jitter was drawn when it arrived. */
  readonly refreshAfterMs: number
  readonly scope?: string
  readonly subject?: Subject
}

/** Tokens as a record keeps them: the monotonic clock means nothing to another process. */
export type StoredTokens = Omit<TokenSet, 'received'> & { readonly receivedAt: Instant }

/**
 * `fresh`: serve it. `stale`: serve it, and fetch the next one meanwhile.
 * `expired`: never serve it. `none`: there is no token.
 */
export type Freshness = 'fresh' | 'stale' | 'expired' | 'none'

export function freshness(tokens: TokenSet | undefined, now: Reading): Freshness {
  if (!tokens) return 'none'
  if (tokens.lifetimeMs === null) return 'fresh'
  const age = ageMs(tokens, now)
  if (age >= tokens.lifetimeMs) return 'expired'
  return age >= tokens.refreshAfterMs ? 'stale' : 'fresh'
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
export function staleAt(tokens: TokenSet, now: Reading): Instant {
  return tokens.lifetimeMs === null ? Infinity : instantOfAge(tokens, tokens.refreshAfterMs, now)
}

/**
 * When the tokens are `ageAtMs` old, told by the wall clock as it stands now. The two clocks drift
 * apart by milliseconds all the time; only a difference that means a clock was set changes the answer.
 */
export function instantOfAge({ received }: TokenSet, ageAtMs: number, now: Reading): Instant {
  const setBackMs = now.mono - received.mono - (now.wall - received.wall)
  return received.wall + ageAtMs - (setBackMs > CLOCK_DRIFT_MS ? Math.round(setBackMs) : 0)
}

/** How long ago the tokens arrived, in milliseconds. */
export function ageMs({ received }: TokenSet, now: Reading): number {
  return Math.max(now.wall - received.wall, now.mono - received.mono)
}

/** How early to refresh. */
export interface FreshnessPolicy {
  /** How long before its end a token becomes stale, in milliseconds: at most a quarter of its life. */
  readonly aheadMs: number
}

/**
 * The tokens of a grant that arrived at `now`.
 *
 * @param random in [0, 1): the last tenth of the lead is jitter, so that apps which signed in
 * together do not refresh together for ever.
 */
export function receive(
  grant: Grant,
  now: Reading,
  policy: FreshnessPolicy,
  random: number,
): TokenSet {
  const { refreshTokenLifetimeMs, ...kept } = grant
  return { ...kept, received: now, refreshAfterMs: staleAgeMs(grant.lifetimeMs, policy, random) }
}

/** What a token lives where neither the server (RFC 6749 §5.1 lets it) nor the token nor the config says so. */
const ASSUMED_LIFETIME_MS = 300_000

/** The lifetime of a token of which nothing says how long it lives; null where it does not end. */
export function assumedLifetimeMs(configuredMs: number | null | undefined): number | null {
  return configuredMs === undefined ? ASSUMED_LIFETIME_MS : configuredMs
}

/** The tokens as the config assumes them to live now, where nothing else told that when they arrived. */
export function reassume(
  tokens: TokenSet,
  configuredMs: number | null | undefined,
  policy: FreshnessPolicy,
): TokenSet {
  const lifetimeMs = assumedLifetimeMs(configuredMs)
  if (!tokens.lifetimeAssumed || tokens.lifetimeMs === lifetimeMs) return tokens
  return { ...tokens, lifetimeMs, refreshAfterMs: staleAgeMs(lifetimeMs, policy, 0) }
}

/** The age at which a token becomes stale; of no meaning for one without an end. */
function staleAgeMs(lifetimeMs: number | null, { aheadMs }: FreshnessPolicy, random: number) {
  const lifeMs = lifetimeMs ?? 0
  return Math.round(lifeMs - Math.min(aheadMs, lifeMs / 4) * (1 - random / 10))
}

/** Stored tokens in this process. What claims to come from the future is stale at once. */
export function restore({ receivedAt, ...kept }: StoredTokens, now: Reading): TokenSet {
  const sinceMs = Math.max(0, now.wall - receivedAt)
  return {
    ...kept,
    received: { wall: Math.min(receivedAt, now.wall), mono: now.mono - sinceMs },
    refreshAfterMs: receivedAt > now.wall ? 0 : kept.refreshAfterMs,
  }
}

export function toStored({ received, ...kept }: TokenSet): StoredTokens {
  return { ...kept, receivedAt: received.wall }
}
