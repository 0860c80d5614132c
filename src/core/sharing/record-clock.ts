/**
 * The instants of a record by another clock. On the disk they are by the keeper's own one; in a copy
 * for other hosts they are by the database's, since the clocks of two hosts may be an hour apart.
 */
import type { AppRecord } from '../vault.ts'
import type { Instant } from '../token.ts'

/** @param aheadMs how far the other clock is ahead, in milliseconds; negative where it is behind. */
export function byOtherClock(record: AppRecord, aheadMs: number): AppRecord {
  const { signedInAt, refreshTokenExpiresAt, refreshTokenStatedAt, refreshTokenLifetimeAt } = record
  const shifted = {
    signedInAt,
    refreshTokenExpiresAt,
    refreshTokenStatedAt,
    refreshTokenLifetimeAt,
  }
  const shift = (at: Instant) => Math.round(at + aheadMs)
  const life = Object.entries(shifted).flatMap(([name, at]) =>
    at === undefined ? [] : [[name, shift(at)] as const],
  )
  const { tokens, lost } = record
  return {
    ...record,
    ...Object.fromEntries(life),
    ...(tokens && { tokens: { ...tokens, receivedAt: shift(tokens.receivedAt) } }),
    ...(lost && { lost: { ...lost, at: shift(lost.at) } }),
  }
}
