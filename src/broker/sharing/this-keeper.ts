/** This keeper, as its apps see it: the last answer of the database, and whether its own disk may be believed. */
import type { Clock } from '../../core/ports.ts'
import type { Words } from '../../core/case-row.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  DatabaseAnswer,
  PromisedAnswer,
  KeeperRow,
  RowHead,
  SharedStore,
} from '../../core/sharing/shared-store.ts'
import type { Instant } from '../../core/token.ts'
import type { RecordCopies, Sharing } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import { type Sleep, waitAtMost } from '../wait-at-most.ts'
import { Confirmation, type WatchedDatabases } from './confirmation.ts'
import {
  databaseFaultWords,
  COPIED_KEEPER,
  SHARING_STOPPED,
  TWO_PRIMARIES,
  WAITING_FOR_REQUESTS,
  WATCHED_WORDS,
} from './home-words.ts'
import type { Keeper } from './keeper.ts'
import { KeeperBeat, type KeeperBeatDeps } from './keeper-beat.ts'

export interface ThisKeeperDeps extends KeeperBeatDeps {
  readonly store: SharedStore
  readonly policy: SharingPolicy
  readonly sleep: Sleep
  readonly watched: WatchedDatabases
  /** Has the rows read again soon. */
  readonly lookSoon: () => void
}

export class ThisKeeper implements Keeper {
  readonly id: string
  readonly identity: Pick<KeeperRow, 'id' | 'instance'>
  readonly clock: Clock
  readonly store: SharedStore
  readonly policy: SharingPolicy
  readonly confirmation: Confirmation
  readonly beat: KeeperBeat
  readonly #deps: ThisKeeperDeps
  /** Whether the owner has ended the sharing, until the next start. */
  left = false
  #copies: RecordCopies | undefined
  #database: DatabaseAnswer<unknown> | undefined
  #firstGeneration = 0

  constructor(deps: ThisKeeperDeps) {
    const { clock, store, policy, self, watched } = deps
    this.#deps = deps
    this.clock = clock
    this.store = store
    this.policy = policy
    this.identity = self
    this.id = self.id
    this.confirmation = new Confirmation(clock, policy, watched)
    this.beat = new KeeperBeat(deps, (asked) => this.note(asked))
  }

  /** Once the vault is open. */
  useCopies(copies: RecordCopies): void {
    this.#copies = copies
  }

  copies(): RecordCopies | undefined {
    return this.#copies
  }

  get keepers(): readonly KeeperRow[] {
    return this.beat.keepers
  }

  isConfirmed(): boolean {
    return !this.beat.halted && this.beat.hasWaited() && this.confirmation.holds()
  }

  mayPublish(): boolean {
    return this.confirmation.holds()
  }

  homesMayChange(): boolean {
    return !this.beat.halted && !this.store.hasTwoPrimaries()
  }

  hasLeft(): boolean {
    return this.left
  }

  isDatabaseKnown(): boolean {
    const { incarnation } = this.#database ?? {}
    const isWatched = incarnation !== undefined && this.confirmation.hasWatched(incarnation)
    return isWatched && !this.store.hasTwoPrimaries()
  }

  hasBeaten(): boolean {
    return this.beat.hasBeaten
  }

  isAlive(id: string): boolean {
    const keeper = this.keepers.find((one) => one.id === id)
    return keeper !== undefined && this.beat.isAlive(keeper, this.#database?.now ?? Infinity)
  }

  whyNotConfirmed(): Words | undefined {
    if (this.beat.halted) return COPIED_KEEPER
    if (this.isConfirmed()) return undefined
    const fault = this.store.fault()
    if (fault) return databaseFaultWords(fault)
    if (this.store.hasTwoPrimaries()) return TWO_PRIMARIES
    return this.beat.hasWaited() ? WATCHED_WORDS : WAITING_FOR_REQUESTS
  }

  refuseChangeOfHome(): SidecarError | undefined {
    const words = this.#whyNoChangeOfHome()
    return words && new SidecarError('unavailable', words.message, { hint: words.hint })
  }

  #whyNoChangeOfHome(): Words | undefined {
    if (this.left) return SHARING_STOPPED
    if (this.store.hasTwoPrimaries()) return TWO_PRIMARIES
    // A database that was just started may have lost what the homes have not published again yet.
    return this.whyNotConfirmed() ?? (this.isDatabaseKnown() ? undefined : WATCHED_WORDS)
  }

  async within<T>(asked: PromisedAnswer<T>): PromisedAnswer<T> {
    let answer: DatabaseAnswer<T> | undefined
    const arrived = asked.then((came) => {
      answer = came
    })
    await waitAtMost(this.#deps.sleep, this.policy.questionMs, arrived)
    return answer
  }

  nextNumber(row: Pick<RowHead, 'number'> | undefined, sharing: Sharing | undefined): number {
    const database = Math.floor(this.#database?.now ?? 0)
    return Math.max((row?.number ?? 0) + 1, (sharing?.number ?? 0) + 1, database)
  }

  firstGeneration(): number {
    return this.#firstGeneration
  }

  /** @param now the database's clock: others under this id have stored what they have before. */
  storeFrom(now: Instant): void {
    this.#firstGeneration = Math.floor(now)
  }

  databaseClock(): DatabaseAnswer<unknown> | undefined {
    return this.#database
  }

  nameOf(id: string | null | undefined): string {
    return this.keepers.find((keeper) => keeper.id === id)?.name ?? id ?? 'another keeper'
  }

  announce(): void {
    this.store.announce()
  }

  lookSoon(): void {
    this.#deps.lookSoon()
  }

  /** Keeps what an answer tells about the database. */
  async note<T>(asked: PromisedAnswer<T>): Promise<DatabaseAnswer<T> | undefined> {
    const answer = await asked
    if (!answer) return undefined
    const before = this.#database?.incarnation ?? answer.incarnation
    this.#database = answer
    // Another database process: it may have lost what was published.
    if (before !== answer.incarnation) this.lookSoon()
    this.confirmation.hasWatched(answer.incarnation)
    return answer
  }
}
