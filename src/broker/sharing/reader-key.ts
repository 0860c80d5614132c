/** The number of the key that readers have for an app: it is in the sealed session of the home. */
import type { WholeRow } from '../../core/sharing/shared-store.ts'
import type { AppRecord } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import type { AppRow } from './app-row.ts'
import { toNotSharedError } from './home-words.ts'

/** The published record; undefined without a copy that can be opened. */
export async function recordIn(
  { keeper }: AppRow,
  row: WholeRow | undefined,
): Promise<AppRecord | undefined> {
  const opened = row && (await keeper.copies()?.openSession(row))
  return opened?.kind === 'opened' ? opened.value.record : undefined
}

/** @throws {SidecarError} `unavailable` where the home's copy cannot be read, `invalid_request` for one that is not shared. */
export async function readerKeyOf(appRow: AppRow, isElsewhere: boolean): Promise<number> {
  const { key, keeper, sharing } = appRow
  if (!isElsewhere) {
    if (sharing) return sharing.readerKey
    throw toNotSharedError(key.app)
  }
  const published = await recordIn(appRow, (await keeper.store.open(key))?.value)
  if (published?.sharing) return published.sharing.readerKey
  throw new SidecarError('unavailable', `What is published of "${key.app}" could not be read.`, {
    hint: 'Ask its home, which `evo-token share status` names.',
  })
}

/** Runs in the app's queue, at its home. @throws {SidecarError} `invalid_request`, `unavailable`. */
export async function renewReaderKey({ key, sharing, state }: AppRow): Promise<number> {
  const { app } = key
  if (!sharing) throw toNotSharedError(app)
  const readerKey = sharing.readerKey + 1
  const { kind } = await state.ledger.share({ ...sharing, readerKey })
  if (kind === 'stored') return readerKey
  throw new SidecarError('unavailable', `The new key of "${app}" could not be stored.`)
}
