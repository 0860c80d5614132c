/** The keys of a reader: a file with one object per line, as `evo-token share reader-key` writes it. */
import * as z from 'zod'
import { NAME_PATTERN } from '../../core/names.ts'
import type { AppKey } from '../../core/sharing/shared-store.ts'
import type { Pair } from '../../core/sharing/pair.ts'
import type { AccessCopy, OpenResult } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import { Secret } from '../../secret.ts'
import { openAccessCopy } from '../vault/copies/access-copy.ts'
import { toVaultKey, type VaultKey } from '../vault/sealing/key-ring.ts'
import { parseJson } from '../../core/json-object.ts'

export const readerKeySchema = z.object({
  app: z.string().regex(NAME_PATTERN),
  number: z.int().positive(),
  key: z.base64url().length(43),
})

export class ReaderKeys {
  readonly #keys: ReadonlyMap<string, readonly VaultKey[]>

  private constructor(keys: ReadonlyMap<string, readonly VaultKey[]>) {
    this.#keys = keys
  }

  /** @throws {SidecarError} `config`, naming the line. */
  static async from(path: string, text: string): Promise<ReaderKeys> {
    const keys = new Map<string, VaultKey[]>()
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue
      const parsed = readerKeySchema.safeParse(parseJson(line))
      if (!parsed.success) {
        throw new SidecarError('config', `${path}, line ${index + 1}: this is not a reader key.`, {
          hint: 'Make one at a keeper: `evo-token share reader-key --app APP --out FILE`.',
        })
      }
      const { app, key } = parsed.data
      keys.set(app, [...(keys.get(app) ?? []), await toVaultKey(new Secret(key))])
    }
    return new ReaderKeys(keys)
  }

  async openAccess(
    row: AppKey & Pair & { readonly access: string | null },
  ): Promise<OpenResult<AccessCopy>> {
    if (row.access === null) return { kind: 'broken' }
    return openAccessCopy(row, row.access, this.#keys.get(row.app) ?? [])
  }
}
