/** Keeps a remote app at the newest copy that its row has shown. */
import { isHigher, type Pair } from '../../core/sharing/pair.ts'
import type {
  DatabaseAnswer,
  AppKey,
  CopiedRow,
  RowHead,
  SharedStore,
} from '../../core/sharing/shared-store.ts'
import type { RecordCopies } from '../../core/vault.ts'
import type { Seen } from './changed-rows.ts'
import type { FoundCopy, RemoteApp } from './remote-app.ts'
import { rowsByKey } from './rows-by-key.ts'

type Keys = Pick<RecordCopies, 'openAccess'> | undefined

/** One statement reads so many. */
const READ_AT_ONCE = 500

export class Copy {
  readonly remote: RemoteApp
  #taken: (Pair & Pick<RowHead, 'revision'>) | undefined

  constructor(remote: RemoteApp) {
    this.remote = remote
  }

  /** Whether the row may hold a newer copy. It does not after a restore of the database, until the home publishes again. */
  isNews(head: RowHead): boolean {
    if (!this.#taken) return true
    return head.revision !== this.#taken.revision && !isHigher(this.#taken, head)
  }

  async take(row: CopiedRow | undefined, at: DatabaseAnswer<unknown>, keys: Keys): Promise<void> {
    const found = await openCopy(row, at, keys)
    this.remote.update(found)
    // One that does not open may do so later, with another key.
    const isRead = found.kind === 'opened' || found.kind === 'signed_out_elsewhere'
    if (row && isRead) this.#taken = row
  }
}

/**
 * Has apps, each with the row that was just seen of it, take the copies that they do not have.
 *
 * @returns whether the database gave them.
 */
export async function takeCopies(
  seen: DatabaseAnswer<readonly Seen<{ readonly key: AppKey; readonly copy: Copy }>[]>,
  store: Pick<SharedStore, 'copies'>,
  keys: Keys,
): Promise<boolean> {
  for (const { one, head } of seen.value) if (!head) await one.copy.take(undefined, seen, keys)
  const news = seen.value.flatMap(({ one, head }) => (head && one.copy.isNews(head) ? [one] : []))
  for (let from = 0; from < news.length; from += READ_AT_ONCE) {
    const some = news.slice(from, from + READ_AT_ONCE)
    const read = await store.copies(some.map(({ key }) => key))
    if (!read) return false
    const rowOf = rowsByKey(read.value)
    for (const { key, copy } of some) {
      const row = rowOf(key)
      // The row may have been written again in between.
      if (row && copy.isNews(row)) await copy.take(row, read, keys)
    }
  }
  return true
}

async function openCopy(
  row: CopiedRow | undefined,
  at: DatabaseAnswer<unknown>,
  keys: Keys,
): Promise<FoundCopy> {
  if (!row || !keys) return { kind: 'copy_missing' }
  if (row.access === null) return { kind: 'signed_out_elsewhere' }
  const opened = await keys.openAccess(row)
  switch (opened.kind) {
    case 'opened':
      return { kind: 'opened', copy: opened.value, at }
    case 'unknown-key':
      return { kind: 'reader_key_missing' }
    case 'broken':
      return { kind: 'copy_missing' }
  }
}
