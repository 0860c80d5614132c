/** The mark on disk, beside an app's record, that says: a request is out, and its answer is not stored yet. */
import type { AppRecord, StoreResult, VaultRecords } from '../core/vault.ts'

export class RequestMark {
  readonly #records: VaultRecords
  readonly #app: string
  /** Requests that were marked and have not ended. */
  #underWay = 0
  #isOnDisk: boolean

  constructor(records: VaultRecords, app: string, isOnDisk: boolean) {
    this.#records = records
    this.#app = app
    this.#isOnDisk = isOnDisk
  }

  /**
   * Marks a request. Where that was stored, `end` has to follow.
   *
   * @param toCome what is to be stored with its answer, where that is known.
   */
  async begin(record: AppRecord, toCome?: AppRecord): Promise<StoreResult> {
    const marked = await this.#put(record, toCome)
    if (marked.kind === 'stored') this.#underWay += 1
    return marked
  }

  /**
   * Ends one request. The last one removes the mark, unless `stays`; where others are out and a stored
   * record has removed it meanwhile, it is made again.
   */
  async end(record: AppRecord, stays: boolean): Promise<void> {
    this.#underWay -= 1
    if (this.#underWay > 0) {
      if (!this.#isOnDisk) await this.#put(record)
    } else if (this.#isOnDisk && !stays) {
      await this.#records.release(this.#app)
      this.#isOnDisk = false
    }
  }

  /** The record was stored or deleted, and the mark with it. */
  noteOverwritten(): void {
    this.#isOnDisk = false
  }

  /** Makes the mark again after a record was stored while requests are out. */
  async renew(record: AppRecord): Promise<void> {
    if (this.#underWay > 0) await this.#put(record)
  }

  async #put(record: AppRecord, toCome?: AppRecord): Promise<StoreResult> {
    const marked = await this.#records.reserve(this.#app, record, toCome)
    if (marked.kind === 'stored') this.#isOnDisk = true
    return marked
  }
}
