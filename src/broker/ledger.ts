/**
 * One app's record: what should be on disk, and what is. The two differ only while the disk
 * refuses; then the record lives on in memory and is stored as soon as it can be.
 */
import type { Identity } from '../core/app.ts'
import type { AppRecord, LoadedRecord, Sharing, StoreResult, VaultRecords } from '../core/vault.ts'
import type { Clock, Failure, PastFailure } from '../core/ports.ts'
import { newerRecord } from './newer-record.ts'
import { RequestMark } from './request-mark.ts'

export type RecordChange = Omit<AppRecord, 'generation' | 'identity'>

export class Ledger {
  readonly #records: VaultRecords
  readonly #app: string
  readonly #clock: Clock
  #record: AppRecord
  /** The generation that is on disk; 0 for none. */
  #onDisk: number
  #unstored: Failure | undefined
  readonly #mark: RequestMark
  #newer: PastFailure | undefined
  /** A request spent what the record holds, and its answer never came. */
  unanswered: boolean
  /** The record could not be read and was set aside, and none was stored since. */
  damaged: boolean
  /** Called when the record has changed, whether the disk took it or not. */
  onWrite: () => void = () => undefined
  /** The lowest generation that the next record may have. */
  firstGeneration: () => number = () => 0

  constructor(
    records: VaultRecords,
    app: string,
    identity: Identity,
    loaded: LoadedRecord | undefined,
    clock: Clock,
  ) {
    this.#records = records
    this.#app = app
    this.#clock = clock
    this.#setNewer(loaded?.newer ?? false)
    this.#record = loaded?.record ?? { generation: 0, identity }
    this.#onDisk = this.#record.generation
    this.unanswered = loaded?.unanswered ?? false
    this.#mark = new RequestMark(records, app, this.unanswered)
    this.damaged = loaded?.damaged ?? false
  }

  get record(): AppRecord {
    return this.#record
  }

  /** Why the record is in memory only, if it is. */
  get unstored(): Failure | undefined {
    return this.#unstored
  }

  /** Why the app waits, where a newer version wrote its record: nothing of it is changed then. */
  get newer(): PastFailure | undefined {
    return this.#newer
  }

  /** As `newer`, looked up now. Only looks, so it may be asked outside the app's queue. */
  async checkNewer(): Promise<PastFailure | undefined> {
    const { identity } = this.#record
    if (!(await this.#records.isNewer({ app: this.#app, identity }))) return undefined
    this.#setNewer(true)
    return this.#newer
  }

  /**
   * Proves that the answer to the next request can be stored, and marks the request, after storing
   * what the disk refused before. Each reservation that was stored has to be concluded.
   *
   * @param toCome what is to be stored, where that is known.
   */
  async reserve(toCome?: AppRecord): Promise<StoreResult> {
    const settled = await this.retry()
    if (settled.kind !== 'stored') return settled
    const reserved = await this.#mark.begin(this.#record, toCome)
    if (reserved.kind === 'changed') await this.#loadFromDisk()
    if (reserved.kind === 'newer') this.#setNewer(true)
    return reserved
  }

  /**
   * Ends a reservation. Its mark stays while a request has no answer, and while the disk refuses a
   * record: the file of the mark may hold that record whole, and its room is needed.
   */
  async conclude(): Promise<void> {
    await this.#mark.end(this.#record, this.unanswered || this.#unstored !== undefined)
  }

  /**
   * Stores the record with `change` in place of everything but its identity and `sharing`. On
   * `unwritable` and `newer` the change holds in memory; on `changed` the ledger has taken over what is
   * on disk instead.
   */
  async write(change: RecordChange): Promise<StoreResult> {
    return this.#write(this.#next(change))
  }

  /**
   * Stores `sharing`, undefined for a session that is not shared; it holds only if it was stored.
   *
   * @param unanswered whether a request without its answer is to be noted; as before if left out.
   */
  async share(sharing: Sharing | undefined, unanswered = this.unanswered): Promise<StoreResult> {
    const { sharing: before, ...record } = this.#record
    const generation = this.#nextGeneration()
    const shared = { ...record, ...(sharing && { sharing }), generation }
    return this.#orKeep(() => this.#write(shared, unanswered))
  }

  /** Stores what another keeper published, in place of whatever is on disk. */
  async takeIn(record: AppRecord, unanswered: boolean): Promise<StoreResult> {
    const result = await this.#records.takeIn(this.#app, record, unanswered)
    if (result.kind !== 'stored') return result
    this.#record = record
    this.#onDisk = record.generation
    this.#unstored = undefined
    this.damaged = false
    this.unanswered = unanswered
    this.#mark.noteOverwritten()
    await this.#mark.renew(record)
    return result
  }

  /**
   * As `write`, but the change holds only if it was stored. It changes no tokens, so a request without its
   * answer stays noted.
   */
  async writeOrKeep(change: RecordChange): Promise<StoreResult> {
    return this.#orKeep(() => this.#write(this.#next(change), this.unanswered))
  }

  #nextGeneration(): number {
    return Math.max(this.#onDisk + 1, this.firstGeneration())
  }

  #next(change: RecordChange): AppRecord {
    const { identity, sharing } = this.#record
    return { ...(sharing && { sharing }), ...change, identity, generation: this.#nextGeneration() }
  }

  async #orKeep(write: () => Promise<StoreResult>): Promise<StoreResult> {
    const [record, unstored, unanswered] = [this.#record, this.#unstored, this.unanswered]
    const { onWrite } = this
    // A change that is taken back must not be published.
    this.onWrite = () => undefined
    const result = await write().finally(() => {
      this.onWrite = onWrite
    })
    if (result.kind === 'unwritable' || result.kind === 'newer') {
      ;[this.#record, this.#unstored, this.unanswered] = [record, unstored, unanswered]
    } else if (result.kind === 'stored') {
      await this.#mark.renew(this.#record)
      onWrite()
    }
    return result
  }

  /**
   * Tries again to store what the disk refused, or to read what a newer version wrote: `changed`
   * where that can be read now, and is taken over.
   */
  async retry(): Promise<StoreResult> {
    if (this.#unstored) {
      const result = await this.#write({ ...this.#record, generation: this.#nextGeneration() })
      if (result.kind === 'stored') await this.#mark.renew(this.#record)
      return result
    }
    if (!this.#newer) return { kind: 'stored' }
    if (await this.checkNewer()) return { kind: 'newer' }
    await this.#loadFromDisk()
    return { kind: this.newer ? 'newer' : 'changed' }
  }

  /** Reads the vault again. Whether it held a newer record, which is ours now. */
  async reread(): Promise<boolean> {
    const before = this.#onDisk
    await this.#loadFromDisk()
    return this.#onDisk > before
  }

  /** Deletes the record; a shared one is emptied instead, so that the other hosts learn of the sign-out. */
  async remove(): Promise<StoreResult> {
    if (this.#record.sharing) return this.write({})
    const result = await this.#records.remove(this.#app)
    if (result.kind === 'newer') {
      this.#setNewer(true)
      return result
    }
    this.#record = { generation: 0, identity: this.#record.identity }
    this.#unstored = result.kind === 'unwritable' ? result.failure : undefined
    if (result.kind === 'stored') this.#onDisk = 0
    this.unanswered = this.damaged = false
    this.#mark.noteOverwritten()
    return result
  }

  async #write(record: AppRecord, unanswered = false): Promise<StoreResult> {
    const result = await this.#records.store(this.#app, record, unanswered, this.#onDisk)
    if (result.kind === 'changed') {
      await this.#loadFromDisk()
      return result
    }
    this.#record = record
    this.unanswered = unanswered
    if (result.kind !== 'unwritable') this.#setNewer(result.kind === 'newer')
    this.#unstored = result.kind === 'unwritable' ? result.failure : this.#newer
    if (result.kind === 'stored') {
      this.#onDisk = record.generation
      this.damaged = false
      this.#mark.noteOverwritten()
    }
    this.onWrite()
    return result
  }

  async #loadFromDisk(): Promise<void> {
    const { identity } = this.#record
    const loaded = await this.#records.load({ app: this.#app, identity })
    const wasNewer = this.#newer !== undefined
    this.#setNewer(loaded?.newer ?? false)
    if (this.#newer) return
    const record = loaded?.record ?? { generation: 0, identity }
    if (record.generation === this.#onDisk && !wasNewer) return
    this.#record = record
    this.#onDisk = record.generation
    this.#unstored = undefined
    this.damaged = loaded?.damaged ?? false
    if (wasNewer) this.unanswered = loaded?.unanswered ?? false
  }

  #setNewer(newer: boolean): void {
    if (!newer) this.#newer = undefined
    else this.#newer ??= { ...newerRecord(this.#app), at: this.#clock.read().wall }
  }
}
