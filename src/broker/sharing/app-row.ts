/**
 * The row of one app in the database, as it was last read or written, beside the record on this
 * keeper's disk; and publishing what the disk has.
 */
import { isHigher, type Pair } from '../../core/sharing/pair.ts'
import type { AppKey, DatabaseAnswer, RowHead } from '../../core/sharing/shared-store.ts'
import { judgeRow, type Verdict } from '../../core/sharing/verdict.ts'
import type { Sharing } from '../../core/vault.ts'
import type { AppState } from '../app-state.ts'
import type { Keeper } from './keeper.ts'
import { copyRecord, recordOfCopy, type SealedRow, sealRecord } from './seal-record.ts'

export class AppRow {
  readonly key: AppKey
  readonly state: AppState
  readonly keeper: Keeper
  #head: RowHead | undefined
  #wasRead = false
  /** What this process last wrote: its revision, and how far the database's clock was ahead of ours. */
  #known: { readonly revision: string; readonly aheadMs: number } | undefined
  /** Why the row cannot be believed or taken in, where it is ahead. */
  unreadable: 'unknown-key' | 'broken' | undefined
  #publishing: Promise<void> | undefined
  #isBeingMade = false

  constructor(state: AppState, key: AppKey, keeper: Keeper) {
    this.key = key
    this.state = state
    this.keeper = keeper
  }

  /** As it was last read or written. */
  get head(): RowHead | undefined {
    return this.#head
  }

  set head(head: RowHead | undefined) {
    this.#head = head
    this.#wasRead = true
    if (this.sharing && !this.isAhead(this.sharing)) this.unreadable = undefined
  }

  /** Whether the row was read since the app was restored. */
  get wasRead(): boolean {
    return this.#wasRead
  }

  get sharing(): Sharing | undefined {
    return this.state.ledger.record.sharing
  }

  verdict(): Verdict {
    const { generation, sharing, tokens } = this.state.ledger.record
    const onDisk = { generation, hasSession: tokens !== undefined, sharing }
    return judgeRow(this.keeper.id, onDisk, this.head, this.#knownRevision())
  }

  /** Undefined where the database's clock was set since: the ends in the row are by the clock of before. */
  #knownRevision(): string | undefined {
    const database = this.keeper.databaseClock()
    if (!database || !this.#known) return undefined
    const { revision, aheadMs } = this.#known
    return Math.abs(aheadOf(database) - aheadMs) < CLOCK_SET_MS ? revision : undefined
  }

  /** Whether the row is newer than the record on the disk. */
  isAhead({ number }: Sharing): boolean {
    return this.head !== undefined && isHigher(this.head, this.pair(number))
  }

  /**
   * Runs `work`, which makes the row where there is none. Nothing is published meanwhile: that could
   * overwrite a row that another keeper makes. Runs in the app's queue.
   */
  async make(work: () => Promise<void>): Promise<void> {
    await this.#publishing
    this.#isBeingMade = true
    try {
      await work()
    } finally {
      this.#isBeingMade = false
    }
  }

  /** Publishes the record on the disk until the row shows it; once the sharing has ended, only waits for what is under way. */
  publish(): Promise<void> {
    this.#publishing ??= this.#publishAll().finally(() => {
      this.#publishing = undefined
    })
    return this.#publishing
  }

  async #publishAll(): Promise<void> {
    if (this.keeper.mayPublish() || this.#tellsNumber()) {
      for (;;) {
        const { sharing } = this
        const { record } = this.state.ledger
        // It would create the row again that `leave` deletes.
        if (this.keeper.hasLeft() || this.#isBeingMade) return
        if (sharing?.home !== this.keeper.id || sharing.pending !== undefined) return
        const sealed = await this.seal(sharing)
        const answer = sealed && (await this.keeper.store.publish(sealed, this.keeper.id))
        if (!answer) return
        if (answer.value === undefined) {
          this.keeper.lookSoon()
          return
        }
        this.wrote(answer.value, sealed)
        if (this.state.ledger.record === record) return
      }
    }
  }

  /**
   * Whether the database has lost that this keeper became the home. That is published before any keeper
   * is confirmed: the previous home, if it starts at the same time, would believe the row.
   */
  #tellsNumber(): boolean {
    const { sharing } = this
    if (!sharing || !this.#wasRead || !this.keeper.hasBeaten()) return false
    return (this.#head?.number ?? -1) < sharing.number
  }

  /** The row and the session in it, by this keeper's clock; undefined where that cannot be opened. */
  async openAhead() {
    const answer = await this.keeper.store.open(this.key)
    const copies = this.keeper.copies()
    const row = answer?.value
    if (!row || !copies) return undefined
    const opened = await copies.openSession(row)
    const before = this.unreadable
    // The home is inside of what is sealed: without a key a writer of rows cannot make another keeper the home.
    const isWhole =
      opened.kind === 'opened' &&
      (row.home === null || opened.value.record.sharing?.home === row.home)
    this.unreadable = isWhole ? undefined : opened.kind === 'opened' ? 'broken' : opened.kind
    if (isWhole) {
      const { record, unanswered } = opened.value
      return { row, record: recordOfCopy(record, answer), unanswered }
    }
    if (before !== this.unreadable) {
      const why = this.unreadable === 'broken' ? 'is damaged' : 'needs a vault key that is not here'
      this.state.deps.log.error({ app: this.key.app }, `a newer copy in the database ${why}`)
      this.state.deps.onChange(this.key.app)
    }
    return undefined
  }

  /** The generation of the record on the disk, with that number. */
  pair(number: number): Pair {
    return { number, generation: this.state.ledger.record.generation }
  }

  /** The record on the disk, sealed for its row; undefined without a vault key, or before the database has answered. */
  async seal(sharing: Sharing): Promise<(SealedRow & Written) | undefined> {
    const copies = this.keeper.copies()
    const database = this.keeper.databaseClock()
    if (!copies || !database) return undefined
    const { record: own, unanswered } = this.state.ledger
    const { record, access } = copyRecord({ ...own, sharing }, this.state.session.tokens, database)
    const place = { ...this.key, ...this.pair(sharing.number) }
    const sealed = await sealRecord(copies, place, { record, unanswered }, access)
    return { ...sealed, aheadMs: aheadOf(database) }
  }

  /** Notes what this process has just written to the row. */
  wrote(revision: string, written: AppKey & Pair & Written): void {
    const { app, identityDigest, number, generation, aheadMs } = written
    this.#known = { revision, aheadMs }
    const place = { app, identityDigest, number, generation }
    this.head = { ...place, home: this.keeper.id, revision, moveTo: null }
    this.keeper.announce()
  }

  note(kind: 'home_gained' | 'home_given' | 'home_lost', message: string): void {
    const { log, onActivity } = this.state.deps
    log[kind === 'home_lost' ? 'warn' : 'info']({ app: this.key.app }, message)
    onActivity({ kind, app: this.key.app })
  }
}

interface Written {
  /** How far the database's clock was ahead of our monotonic one, which no person sets. */
  readonly aheadMs: number
}

function aheadOf({ now, received }: DatabaseAnswer<unknown>): number {
  return now - received.mono
}

/** More than an answer takes, and than two clocks differ by themselves in a day. */
const CLOCK_SET_MS = 10_000

/** Stands for the home of a row that has none. */
export const NO_HOME = '00000000-0000-0000-0000-000000000000'
