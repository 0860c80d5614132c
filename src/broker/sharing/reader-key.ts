/** The number of the key that readers have for an app: it stands in the sealed session of the home. */
import type { WholeRow } from '../../core/sharing/shared-store.ts'
import type { AppRecord } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import type { AppRow } from './app-row.ts'

/** The newest record that is known: what the copy says; without one that opens, what the disk says. */
export async function newestRecord(
  { keeper, state }: AppRow,
  row: WholeRow | undefined,
): Promise<AppRecord> {
  const opened = row && (await keeper.copies()?.openSession(row))
  return opened?.kind === 'opened' ? opened.value.record : state.ledger.record
}

export async function readerKeyIn(appRow: AppRow, row: WholeRow | undefined): Promise<number> {
  return (await newestRecord(appRow, row)).sharing?.readerKey ?? 1
}

/** Runs in the app's queue, at its home. @throws {SidecarError} `invalid_request`, `unavailable`. */
export async function renewReaderKey({ key, sharing, state }: AppRow): Promise<number> {
  const { app } = key
  if (!sharing) throw new SidecarError('invalid_request', `"${app}" is not shared yet.`)
  const readerKey = sharing.readerKey + 1
  const { kind } = await state.ledger.share({ ...sharing, readerKey })
  if (kind === 'stored') return readerKey
  throw new SidecarError('unavailable', `The new key of "${app}" could not be stored.`)
}
