/**
 * The row of one app in the database, and the record on this keeper's disk: what has to be done where
 * they are not the same. `core/sharing/verdict.ts` decides; each step may be repeated after a crash.
 */
import { isHigher, type Pair } from '../../core/sharing/pair.ts'
import type { AppKey, RowHead, WholeRow } from '../../core/sharing/shared-store.ts'
import { judge, type Verdict } from '../../core/sharing/verdict.ts'
import type { AppRecord, Sharing } from '../../core/vault.ts'
import type { AppState } from '../app-state.ts'
import { runWhenIdle } from '../idle.ts'
import type { Keeper } from './keeper.ts'
import { accessCopyOf, type SealedRow, sealRecord } from './seal-record.ts'

/** What came of an attempt to become the home with the copy of a keeper that is gone. */
export type TakenOver = 'done' | 'changed' | 'unknown-key' | 'broken' | 'older' | 'unreached'

export class AppRow {
  readonly key: AppKey
  readonly #state: AppState
  readonly #keeper: Keeper
  /** As it was last read or written. */
  head: RowHead | undefined
  /** The revision that this process last wrote. */
  #known: string | undefined
  /** Why the row cannot be believed or taken in, where it is ahead. */
  unreadable: 'unknown-key' | 'broken' | undefined
  #publishing: Promise<void> | undefined

  constructor(state: AppState, key: AppKey, keeper: Keeper) {
    this.key = key
    this.#state = state
    this.#keeper = keeper
  }

  get sharing(): Sharing | undefined {
    return this.#state.ledger.record.sharing
  }

  verdict(): Verdict {
    const { generation, sharing, tokens } = this.#state.ledger.record
    const onDisk = { generation, hasSession: tokens !== undefined, sharing }
    return judge(this.#keeper.id, onDisk, this.head, this.#known)
  }

  /** Whether the row has what the disk has yet to get. */
  isAhead({ number }: Sharing): boolean {
    return this.head !== undefined && isHigher(this.head, this.#pair(number))
  }

  /** Does what the verdict says, in the app's queue: what it says there, since both may have changed. */
  settle(): Promise<void> {
    return this.#state.queue.run(async () => {
      switch (this.verdict()) {
        case 'introduce':
          await this.#introduce()
          return
        case 'publish':
          await this.publish()
          return
        case 'outbid':
          await this.#outbid()
          return
        case 'take-in':
          await this.#takeIn()
          return
        case 'stand-down':
          await this.#standDown()
          return
        case 'hand-over':
          await this.#handOver()
          return
        case 'vacate':
          if (this.head) await this.#keeper.store.vacate(this.key, this.head.revision)
          return
        case 'swap':
        case 'settle':
        case 'give-way':
          await this.swapIn()
          return
        case 'in-step':
        case 'elsewhere':
        case 'apart':
      }
    })
  }

  /** Publishes what the disk has, until the row shows it. */
  publish(): Promise<void> {
    this.#publishing ??= this.#publishAll().finally(() => {
      this.#publishing = undefined
    })
    return this.#publishing
  }

  async #publishAll(): Promise<void> {
    if (this.#keeper.mayPublish()) {
      for (;;) {
        const { sharing } = this
        const { record } = this.#state.ledger
        if (sharing?.home !== this.#keeper.id || sharing.pending !== undefined) return
        const sealed = await this.#seal(sharing)
        const answer = sealed && (await this.#keeper.store.publish(sealed, this.#keeper.id))
        if (!answer) return
        if (answer.value === undefined) {
          this.#keeper.lookSoon()
          return
        }
        this.#wrote(answer.value, sealed)
        if (this.#state.ledger.record === record) return
      }
    }
  }

  /** Gives the app to the keeper that asks for it: the disk says so first. */
  async giveTo(to: string): Promise<void> {
    await runWhenIdle(this.#state, async () => {
      const { sharing } = this
      if (sharing?.home !== this.#keeper.id || !this.#keeper.isConfirmed()) return
      const number = this.#keeper.nextNumber(this.head, sharing)
      const { readerKey } = sharing
      const given = { home: to, number, readerKey, handedOver: true } as const
      if ((await this.#state.ledger.share(given)).kind !== 'stored') return
      this.#state.reloadFromRecord()
      this.#note('home_given', 'gave the app to another keeper')
    })
    if (this.sharing?.handedOver) await this.settle()
  }

  /** Makes a sign-in here the session of all, or gives way to what came in between. Runs in the app's queue. */
  async swapIn(): Promise<void> {
    const { sharing } = this
    if (sharing?.pending === undefined || this.#keeper.refuseChangeOfHome()) return
    const { pending, ...settled } = sharing
    const { store, identity } = this.#keeper
    const sealed = await this.#seal(settled)
    const answer = sealed && (await store.swap({ ...sealed, revision: pending }, identity))
    if (!answer) return
    if (answer.value === undefined) {
      const now = await store.head(this.key)
      if (!now) return
      this.head = now.value
      if (this.verdict() === 'give-way') {
        const { home, number } = this.head ?? { home: null, number: settled.number }
        if (home === this.#keeper.id) {
          // It was given to this keeper meanwhile, where a person has just signed in.
          const next = this.#keeper.nextNumber(this.head, settled)
          await this.#state.ledger.share({ ...settled, number: next })
          return
        }
        await this.#state.ledger.write({ sharing: { ...settled, home: home ?? NO_HOME, number } })
        this.#state.reloadFromRecord()
        this.#note('home_lost', 'a sign-in here came too late: the app was changed elsewhere')
        return
      }
      // Refused for another reason: it is tried again.
      if (this.verdict() !== 'settle') return
    } else this.#wrote(answer.value, sealed)
    await this.#state.ledger.share(settled)
    this.#state.deps.onChange(this.key.app)
  }

  /** @param silent the keeper that is gone, and its last beat: it must not have written since. */
  async takeOver(
    row: WholeRow,
    silent: { readonly id: string; readonly since: number } | undefined,
  ): Promise<TakenOver> {
    const copies = this.#keeper.copies()
    const opened = await copies?.openSession(row)
    if (!copies || opened?.kind !== 'opened')
      return opened?.kind === 'broken' ? 'broken' : 'unknown-key'
    if (row.home !== null && opened.value.record.sharing?.home !== row.home) return 'broken'
    const { store, identity, id } = this.#keeper
    // Only a person can say that what this keeper has seen since is to be forgotten.
    if (silent && this.sharing && isHigher(this.#pair(this.sharing.number), row)) return 'older'
    const number = this.#keeper.nextNumber(row, this.sharing)
    const readerKey = opened.value.record.sharing?.readerKey ?? 1
    const record = { ...opened.value.record, sharing: { home: id, number, readerKey } }
    const place = { ...this.key, number, generation: row.generation }
    const access = await copies.openAccess(row)
    // The one that is gone may have spent it: a refusal of the first attempt is told as a lost answer.
    const sealed = await sealRecord(
      copies,
      place,
      { record, unanswered: true },
      access.kind === 'opened' ? access.value : undefined,
    )
    const condition = { revision: row.revision, ...(silent && { silent }) }
    const answer = await store.swap({ ...sealed, ...condition }, identity)
    if (!answer) return 'unreached'
    if (answer.value === undefined) return 'changed'
    this.head = { ...place, home: id, revision: answer.value, moveTo: null }
    await this.settle()
    return 'done'
  }

  /** Becomes the home with what is on the disk: a person says that there is nothing newer. */
  async adopt(): Promise<void> {
    await runWhenIdle(this.#state, async () => {
      const { sharing } = this
      if (!sharing) return
      const number = this.#keeper.nextNumber(undefined, sharing)
      const { readerKey } = sharing
      // It may have been spent elsewhere since.
      const shared = { home: this.#keeper.id, number, readerKey }
      if ((await this.#state.ledger.share(shared, true)).kind !== 'stored') return
      this.head = undefined
      this.#state.reloadFromRecord()
      this.#note('home_gained', 'this keeper is the home of the app')
    })
    await this.settle()
  }

  /** Ends the sharing of the app; what is on the disk is this keeper's own. */
  async leave(): Promise<void> {
    await runWhenIdle(this.#state, async () => {
      if (this.sharing?.home !== this.#keeper.id) return
      await this.#keeper.store.withdraw(this.key, this.#keeper.id)
      await this.#state.ledger.share(undefined)
      this.head = undefined
    })
  }

  /** From now on there are copies of the session: the disk says so before the database does. */
  async #introduce(): Promise<void> {
    if (!this.#keeper.isConfirmed()) return
    const { store, id } = this.#keeper
    // One that this keeper left behind, when it left the others, is published over.
    const isOwn = this.head?.home === id
    const number = this.#keeper.nextNumber(this.head, undefined)
    const sharing = { home: id, number, readerKey: 1 }
    if ((await this.#state.ledger.share(sharing)).kind !== 'stored') return
    const sealed = await this.#seal(sharing)
    const answer = sealed && (await store[isOwn ? 'publish' : 'introduce'](sealed, id))
    if (!answer) return
    if (answer.value === undefined) await this.#state.ledger.share(undefined)
    else this.#wrote(answer.value, sealed)
  }

  /** What the row has is newer than the disk, and this keeper is the home: the disk has it first. */
  async #takeIn(): Promise<void> {
    if (!this.#keeper.homesMayChange()) return
    const opened = await this.#openAhead()
    if (opened?.row.home !== this.#keeper.id) return
    const { record, unanswered, row } = opened
    const { number, generation } = row
    const readerKey = record.sharing?.readerKey ?? 1
    const sharing = { home: this.#keeper.id, number, readerKey }
    const { identity } = this.#state.ledger.record
    const taken: AppRecord = { ...record, identity, generation, sharing }
    if ((await this.#state.ledger.takeIn(taken, unanswered)).kind !== 'stored') return
    this.head = row
    this.#state.reloadFromRecord()
    this.#note('home_gained', 'this keeper is the home of the app')
  }

  /** The row would not be published over under the same number. */
  async #outbid(): Promise<void> {
    const { sharing } = this
    if (!sharing || !this.#keeper.isConfirmed()) return
    const number = this.#keeper.nextNumber(this.head, sharing)
    await this.#state.ledger.share({ ...sharing, number })
  }

  /** Believes only what a keeper has sealed: who can write rows, and has no key, ends no session. */
  async #standDown(): Promise<void> {
    const { sharing } = this
    const row = (await this.#openAhead())?.row
    if (!row || !sharing || row.home === this.#keeper.id) return
    const { readerKey } = sharing
    const left = { home: row.home ?? NO_HOME, number: row.number, readerKey }
    if ((await this.#state.ledger.share(left)).kind !== 'stored') return
    this.#state.reloadFromRecord()
    this.#note('home_lost', 'another keeper became the home of the app')
  }

  /** The row and the session in it; undefined where that cannot be opened. */
  async #openAhead() {
    const row = (await this.#keeper.store.open(this.key))?.value
    const copies = this.#keeper.copies()
    if (!row || !copies) return undefined
    const opened = await copies.openSession(row)
    const before = this.unreadable
    // A keeper seals whose home it is: who can write rows, and has no key, makes no other one the home.
    const isWhole =
      opened.kind === 'opened' &&
      (row.home === null || opened.value.record.sharing?.home === row.home)
    this.unreadable = isWhole ? undefined : opened.kind === 'opened' ? 'broken' : opened.kind
    if (isWhole) return { row, ...opened.value }
    if (before !== this.unreadable) {
      const why = this.unreadable === 'broken' ? 'is damaged' : 'needs a vault key that is not here'
      this.#state.deps.log.error({ app: this.key.app }, `a newer copy in the database ${why}`)
      this.#state.deps.onChange(this.key.app)
    }
    return undefined
  }

  /** Hands the newest record over until the row shows it. */
  async #handOver(): Promise<void> {
    const { sharing } = this
    if (!sharing || !this.#keeper.mayPublish() || !this.#keeper.homesMayChange()) return
    const sealed = await this.#seal(sharing)
    const answer = sealed && (await this.#keeper.store.handOver(sealed, sharing.home))
    if (!sealed || answer?.value === undefined) return
    const { app, identityDigest, number, generation } = sealed
    const place = { app, identityDigest, number, generation }
    this.head = { ...place, home: sharing.home, revision: answer.value, moveTo: null }
    this.#keeper.announce()
    this.#keeper.lookSoon()
  }

  #pair(number: number): Pair {
    return { number, generation: this.#state.ledger.record.generation }
  }

  async #seal(sharing: Sharing): Promise<SealedRow | undefined> {
    const copies = this.#keeper.copies()
    if (!copies) return undefined
    const { record: own, unanswered } = this.#state.ledger
    const record = { ...own, sharing }
    const access = accessCopyOf(this.#state, own, this.#keeper.databaseClock())
    return sealRecord(
      copies,
      { ...this.key, ...this.#pair(sharing.number) },
      { record, unanswered },
      access,
    )
  }

  #wrote(revision: string, { app, identityDigest, number, generation }: AppKey & Pair): void {
    this.#known = revision
    const place = { app, identityDigest, number, generation }
    this.head = { ...place, home: this.#keeper.id, revision, moveTo: null }
    this.#keeper.announce()
  }

  #note(kind: 'home_gained' | 'home_given' | 'home_lost', message: string): void {
    const { log, onActivity } = this.#state.deps
    log[kind === 'home_lost' ? 'warn' : 'info']({ app: this.key.app }, message)
    onActivity({ kind, app: this.key.app })
  }
}

/** Stands for the home of a row that has none. */
const NO_HOME = '00000000-0000-0000-0000-000000000000'
