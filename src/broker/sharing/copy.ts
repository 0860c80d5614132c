/** Keeps a remote app at the newest copy that its row has shown. */
import { isHigher, type Pair } from '../../core/sharing/pair.ts'
import type { Answer, CopiedRow } from '../../core/sharing/shared-store.ts'
import type { RecordCopies } from '../../core/vault.ts'
import type { FoundCopy, RemoteApp } from './remote-app.ts'

export class Copy {
  readonly #remote: RemoteApp
  #taken: (Pair & Pick<CopiedRow, 'revision'>) | undefined

  constructor(remote: RemoteApp) {
    this.#remote = remote
  }

  /** A row of an older record is old news: a database was restored, and its home publishes again. */
  async take(
    row: CopiedRow | undefined,
    at: Answer<unknown>,
    copies: Pick<RecordCopies, 'openAccess'> | undefined,
  ): Promise<void> {
    if (row && this.#taken) {
      if (row.revision === this.#taken.revision || isHigher(this.#taken, row)) return
    }
    const found = await open(row, at, copies)
    this.#remote.update(found)
    // With another key it may open later.
    const isRead = found.kind === 'opened' || found.kind === 'signed_out_elsewhere'
    if (row && isRead) this.#taken = row
  }
}

async function open(
  row: CopiedRow | undefined,
  at: Answer<unknown>,
  copies: Pick<RecordCopies, 'openAccess'> | undefined,
): Promise<FoundCopy> {
  if (!row || !copies) return { kind: 'copy_missing' }
  if (row.access === null) return { kind: 'signed_out_elsewhere' }
  const opened = await copies.openAccess(row)
  switch (opened.kind) {
    case 'opened':
      return { kind: 'opened', copy: opened.value, at }
    case 'unknown-key':
      return { kind: 'reader_key_missing' }
    case 'broken':
      return { kind: 'copy_missing' }
  }
}
