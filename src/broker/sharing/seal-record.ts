/** The copies of a record, for its row. */
import type { Pair } from '../../core/sharing/pair.ts'
import type { Answer, AppKey, Copies } from '../../core/sharing/shared-store.ts'
import { remainingMs, restore } from '../../core/token.ts'
import type { AppRecord, RecordCopies, RecordCopy } from '../../core/vault.ts'
import type { AppState } from '../app-state.ts'

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
 * The access token of `record`, with its end by the database's clock. Undefined where there is none.
 *
 * @param database what it last answered: its clock.
 */
export function accessCopyOf(
  { session }: AppState,
  record: AppRecord,
  database: Answer<unknown> | undefined,
): RecordCopy['access'] {
  if (!record.tokens || !database) return undefined
  const stored = restore(record.tokens, database.received)
  // What was just stored is in the session a moment later.
  const isInSession = session.tokens?.accessToken.sha256 === stored.accessToken.sha256
  const tokens = (isInSession && session.tokens) || stored
  const leftMs = remainingMs(tokens, database.received)
  const { accessToken, scope } = tokens
  const endsAt = leftMs === Infinity ? null : database.now + leftMs
  return { accessToken, endsAt, ...(scope !== undefined && { scope }) }
}
