/**
 * One app's record: what should be on disk, and what is. The two differ only while the disk
 * refuses; then the record lives on in memory and is stored as soon as it can be.
 */
import type { Identity } from '../core/app.ts'
import { CASES } from '../core/problem-cases.ts'
import type { AppRecord, LoadedRecord, Sharing, StoreResult, VaultRecords } from '../core/vault.ts'
import type { Clock, Failure, PastFailure } from '../core/ports.ts'

export type RecordChange = Omit<AppRecord, 'generation' | 'identity'>

export class Ledger {
  readonly #records: VaultRecords
  readonly #app: string
  readonly #clock: Clock
  #record: AppRecord
  /** The generation that is on disk; 0 for none. */
  #onDisk: number
  #unstored: Failure | undefined
  /** Requests that were marked on disk and are not concluded. */
  #underWay = 0
  /** Whether the mark is on disk. */
  #marked: boolean
  #newer: PastFailure | undefined
  /** A request spent what the record holds, and its answer never came. */
  unanswered: boolean
  /** The record could not be read and was set aside, and none was stored since. */
  damaged: boolean
  /** Called when another record is to be on disk, whether the disk took it or not. */
  onWrite: () => void = () => undefined

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
    this.#marked = this.unanswered
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
   * Proves that the answer to the next request can be stored, and marks the request; stores first
   * what still waits. Each reservation that was stored has to be concluded.
   *
   * @param toCome what is to be stored, where that is known.
   */
  async reserve(toCome?: AppRecord): Promise<StoreResult> {
    const settled = await this.retry()
    if (settled.kind !== 'stored') return settled
    const reserved = await this.#mark(toCome)
    if (reserved.kind === 'changed') await this.#loadFromDisk()
    if (reserved.kind === 'stored') this.#underWay += 1
    if (reserved.kind === 'newer') this.#setNewer(true)
    return reserved
  }

  /**
   * Ends a reservation. The mark goes with the last of them, unless a request is still without its
   * answer; where others are under way and the record was stored meanwhile, they get a new one. What the
   * disk refused to put in its place may stand whole where the mark was, and needs its room.
   */
  async conclude(): Promise<void> {
    this.#underWay -= 1
    if (this.#underWay > 0) {
      if (!this.#marked) await this.#mark()
    } else if (this.#marked && !this.unanswered && !this.#unstored) {
      await this.#records.release(this.#app)
      this.#marked = false
    }
  }

  async #mark(toCome?: AppRecord): Promise<StoreResult> {
    const marked = await this.#records.reserve(this.#app, this.#record, toCome)
    if (marked.kind === 'stored') this.#marked = true
    return marked
  }

  /**
   * Stores the record with `change` in place of everything but its identity, and where the session
   * lives. On `unwritable` and `newer` the change holds in memory; on `changed` the ledger has taken over what is on disk instead.
   */
  async write(change: RecordChange): Promise<StoreResult> {
    const { identity, sharing } = this.#record
    const generation = this.#onDisk + 1
    return this.#write({ ...(sharing && { sharing }), ...change, identity, generation })
  }

  /**
   * Stores where the session lives, undefined for here alone; it holds only if it was stored. A request
   * without its answer stays one.
   *
   * @param unanswered whether there may be one elsewhere.
   */
  async share(sharing: Sharing | undefined, unanswered = this.unanswered): Promise<StoreResult> {
    const { sharing: before, ...record } = this.#record
    const generation = this.#onDisk + 1
    const shared = { ...record, ...(sharing && { sharing }), generation }
    return this.#orKeep(() => this.#write(shared, unanswered))
  }

  /** Takes the place of whatever is on disk, with what another keeper published. */
  async takeIn(record: AppRecord, unanswered: boolean): Promise<StoreResult> {
    const result = await this.#records.takeIn(this.#app, record, unanswered)
    if (result.kind !== 'stored') return result
    this.#record = record
    this.#onDisk = record.generation
    this.#unstored = undefined
    this.damaged = this.#marked = false
    this.unanswered = unanswered
    if (this.#underWay > 0) await this.#mark()
    return result
  }

  /**
   * As `write`, but the change holds only if it was stored. Its tokens stay what they are: a request without
   * its answer stays one.
   */
  async writeOrKeep(change: RecordChange): Promise<StoreResult> {
    const { identity, sharing } = this.#record
    const generation = this.#onDisk + 1
    const record = { ...(sharing && { sharing }), ...change, identity, generation }
    return this.#orKeep(() => this.#write(record, this.unanswered))
  }

  async #orKeep(write: () => Promise<StoreResult>): Promise<StoreResult> {
    const [record, unstored, unanswered] = [this.#record, this.#unstored, this.unanswered]
    const { onWrite } = this
    // What is taken back is not to be published.
    this.onWrite = () => undefined
    const result = await write().finally(() => {
      this.onWrite = onWrite
    })
    if (result.kind === 'unwritable' || result.kind === 'newer') {
      ;[this.#record, this.#unstored, this.unanswered] = [record, unstored, unanswered]
    } else if (result.kind === 'stored') {
      if (this.#underWay > 0) await this.#mark()
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
      const result = await this.#write({ ...this.#record, generation: this.#onDisk + 1 })
      if (result.kind === 'stored' && this.#underWay > 0) await this.#mark()
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

  /** Deletes the record; one of which there are copies becomes one of nothing, for a sign-out is news too. */
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
    this.unanswered = this.#marked = this.damaged = false
    return result
  }

  async #write(record: AppRecord, unanswered = false): Promise<StoreResult> {
    const result = await this.#records.store(this.#app, record, unanswered)
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
      this.#marked = this.damaged = false
    }
    this.onWrite()
    return result
  }

  async #loadFromDisk(): Promise<void> {
    const { identity } = this.#record
    const loaded = (await this.#records.load([{ app: this.#app, identity }])).get(this.#app)
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

/** In a sentence that every caller may read. */
export function newerRecord(app: string): Failure {
  const subject = { app, person: undefined, details: undefined }
  return { code: 'record_newer', message: CASES.record_newer.callers(subject) }
}
