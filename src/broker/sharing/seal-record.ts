/** Makes the copies of a record for its row. */
import type { Pair } from '../../core/sharing/pair.ts'
import type { DatabaseAnswer, AppKey, Copies } from '../../core/sharing/shared-store.ts'
import { byOtherClock } from '../../core/sharing/record-clock.ts'
import { ageMs, type Reading, type TokenSet } from '../../core/token.ts'
import type { AppRecord, RecordCopies, RecordCopy } from '../../core/vault.ts'

export type SealedRow = AppKey & Pair & Copies

export async function sealRecord(
  copies: RecordCopies,
  row: AppKey & Pair,
  { record, unanswered }: Pick<RecordCopy, 'record' | 'unanswered'>,
  access: RecordCopy['access'],
): Promise<SealedRow> {
  const sealed = await copies.seal({ ...row, record, unanswered, ...(access && { access }) })
  return { ...row, ...sealed }
}

/**
 * What a row holds of the record on the disk, by the database's clock.
 *
 * @param session the tokens of the session, which gets what was just stored a moment later.
 */
export function copyRecord(
  record: AppRecord,
  session: TokenSet | undefined,
  { now, received }: DatabaseAnswer<unknown>,
): Pick<RecordCopy, 'record' | 'access'> {
  const shared = byOtherClock(record, now - received.wall)
  if (!record.tokens || !shared.tokens) return { record: shared }
  const isInSession = session?.accessToken.sha256 === record.tokens.accessToken.sha256
  const tokens = isInSession ? session : undefined
  const { accessToken, lifetimeMs, scope } = tokens ?? record.tokens
  const sinceMs = tokens
    ? ageInCopyMs(tokens, received)
    : Math.max(0, received.wall - record.tokens.receivedAt)
  const receivedAt = Math.floor(now - sinceMs)
  const endsAt = lifetimeMs === null ? null : receivedAt + lifetimeMs
  return {
    record: { ...shared, tokens: { ...shared.tokens, receivedAt } },
    access: { accessToken, endsAt, ...(scope !== undefined && { scope }) },
  }
}

/** A token whose age is not known is served at its home only: elsewhere it counts as expired. */
function ageInCopyMs(tokens: TokenSet, now: Reading): number {
  const { fromFuture, lifetimeMs } = tokens
  return fromFuture && lifetimeMs !== null ? lifetimeMs : ageMs(tokens, now)
}

/** The record of a copy, by this keeper's clock. @param at the answer that it came in. */
export function recordOfCopy(record: AppRecord, { now, sent }: DatabaseAnswer<unknown>): AppRecord {
  // By the time that the answer took, tokens seem a little too old rather than too young.
  return byOtherClock(record, sent.wall - now)
}
