/** What lies on disk for an app, asked before each change of it. What was decrypted once is not decrypted again. */
import type { Identity } from '../../../core/app.ts'
import type { AppRecord } from '../../../core/ports.ts'
import { filesOf, renameDurably, stampOf } from './record-files.ts'
import { findNext, findRecord, sameIdentity } from './find-record.ts'
import type { SealingKeys } from '../sealing/current-keys.ts'

/** The generation on disk, 0 for none; `other`: of what the app was before its config changed. */
export type OnDisk = number | 'broken' | 'newer' | 'other'

export class RecordsOnDisk {
  readonly #dir: string
  readonly #keys: SealingKeys
  /** Records that were read, and need not be decrypted again while their file is the same. */
  readonly #seen = new Map<string, { readonly stamp: string; readonly record: AppRecord }>()
  /** Apps whose newest record is still in the place of the next one: the disk refused to rename it. */
  readonly #misplaced = new Set<string>()

  constructor(dir: string, keys: SealingKeys) {
    this.#dir = dir
    this.#keys = keys
  }

  setMisplaced(app: string, misplaced: boolean): void {
    if (misplaced) this.#misplaced.add(app)
    else this.#misplaced.delete(app)
  }

  /** What is in the place of the record that `record` is, or is to follow. */
  async look(app: string, { identity }: AppRecord): Promise<OnDisk> {
    const files = filesOf(this.#dir, app)
    if (this.#misplaced.has(app)) {
      await renameDurably(this.#dir, files.next, files.record)
      this.#misplaced.delete(app)
    }
    const stamp = stampOf(files.record)
    const seen = this.#seen.get(app)
    if (seen && stamp !== undefined && seen.stamp === stamp) return onDiskOf(seen.record, identity)
    const found = await findRecord(files, app, this.#keys.ring)
    if (found === 'absent') return 0
    if (typeof found === 'string') return found
    if (stamp !== undefined) this.#seen.set(app, { stamp, record: found })
    return onDiskOf(found, identity)
  }

  /** Whether a newer version wrote what is in the place of the next record. */
  async isNextNewer(app: string): Promise<boolean> {
    return (await findNext(filesOf(this.#dir, app), app, this.#keys.ring)) === 'newer'
  }
}

function onDiskOf(found: AppRecord, identity: Identity): OnDisk {
  return sameIdentity(found.identity, identity) ? found.generation : 'other'
}
