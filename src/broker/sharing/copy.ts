/** What a row says to those who have only its copy. */
import type { Answer, CopiedRow } from '../../core/sharing/shared-store.ts'
import type { RecordCopies } from '../../core/vault.ts'
import type { Copy } from './remote-app.ts'

export async function copyOf(
  row: CopiedRow | undefined,
  at: Answer<unknown>,
  copies: Pick<RecordCopies, 'openAccess'> | undefined,
): Promise<Copy> {
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
