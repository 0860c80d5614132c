/** Tokens as a record keeps them, and as a process has them again. */
import type { Instant, Reading, TokenSet, UnknownMembers } from './token.ts'

export type StoredTokens = Omit<TokenSet, 'received' | 'fromFuture'> & {
  readonly receivedAt: Instant
  /** As `receivedAt`, on the monotonic clock; it means nothing after another start of the machine. */
  readonly receivedSinceBoot?: SinceBoot
}

export interface SinceBoot extends UnknownMembers {
  readonly boot: string
  readonly ms: number
}

/**
 * Stored tokens in this process. What claims to come from the future is stale at once, unless the
 * monotonic clock tells its age.
 */
export function restore(
  { receivedAt, receivedSinceBoot: since, ...kept }: StoredTokens,
  now: Reading,
): TokenSet {
  const sinceMs = Math.max(0, now.wall - receivedAt)
  const isKnown = since !== undefined && since.boot === now.boot && since.ms <= now.mono
  return {
    ...kept,
    received: {
      wall: Math.min(receivedAt, now.wall),
      mono: Math.min(now.mono - sinceMs, isKnown ? since.ms : Infinity),
      ...(isKnown && { boot: since.boot }),
    },
    ...(receivedAt > now.wall && !isKnown && { fromFuture: true }),
  }
}

export function toStored({ received, fromFuture, ...kept }: TokenSet): StoredTokens {
  const { wall, mono, boot } = received
  return {
    ...kept,
    receivedAt: wall,
    ...(boot !== undefined && { receivedSinceBoot: { boot, ms: mono } }),
  }
}
