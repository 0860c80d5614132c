/** What is on disk for an app, checked before each change. An unchanged file is decrypted only once. */
import type { Identity } from '../../../core/app.ts'
import type { AppRecord } from '../../../core/vault.ts'
import { filesOf, renameDurably, stampOf } from './record-files.ts'
import { brokenIfUnreadable, findNext, findRecord, sameIdentity } from './find-record.ts'
import type { SealingKeys } from '../sealing/current-keys.ts'

/** The generation on disk, 0 for none; `other`: a record of another identity, from before the config changed. */
export type FoundGeneration = number | 'broken' | 'newer' | 'other'

export class RecordsOnDisk {
  readonly #dir: string
  readonly #keys: SealingKeys
  /** The records that were read, each with the stamp that its file had then. */
  readonly #seen = new Map<string, { readonly stamp: string; readonly record: AppRecord }>()
  /** Apps whose newest record still has the name of the next one: the disk refused to rename it. */
  readonly #misplaced = new Set<string>()

  constructor(dir: string, keys: SealingKeys) {
    this.#dir = dir
    this.#keys = keys
  }

  setMisplaced(app: string, misplaced: boolean): void {
    if (misplaced) this.#misplaced.add(app)
    else this.#misplaced.delete(app)
  }

  /** What is on disk in the place of `record`. */
  async look(app: string, { identity }: AppRecord): Promise<FoundGeneration> {
    const files = filesOf(this.#dir, app)
    if (this.#misplaced.has(app)) {
      await renameDurably(this.#dir, files.next, files.record)
      this.#misplaced.delete(app)
    }
    const stamp = stampOf(files.record)
    const seen = this.#seen.get(app)
    if (seen && stamp !== undefined && seen.stamp === stamp) return onDiskOf(seen.record, identity)
    const found = await findRecord(files, app, this.#keys.ring).catch(brokenIfUnreadable)
    if (found === 'absent') return 0
    if (typeof found === 'string') return found
    if (stamp !== undefined) this.#seen.set(app, { stamp, record: found.record })
    return onDiskOf(found.record, identity)
  }

  /** Whether a newer version wrote the next record. */
  async isNextNewer(app: string): Promise<boolean> {
    const files = filesOf(this.#dir, app)
    return (await findNext(files, app, this.#keys.ring).catch(brokenIfUnreadable)) === 'newer'
  }
}

function onDiskOf(found: AppRecord, identity: Identity): FoundGeneration {
  return sameIdentity(found.identity, identity) ? found.generation : 'other'
}
