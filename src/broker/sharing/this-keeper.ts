/** This keeper, as its apps see it: what the database told it last, and whether it may believe its own disk. */
import type { Clock } from '../../core/ports.ts'
import type { Words } from '../../core/problem.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  Answer,
  Asked,
  KeeperRow,
  RowHead,
  SharedStore,
} from '../../core/sharing/shared-store.ts'
import type { RecordCopies, Sharing } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import { type Sleep, waitAtMost } from '../wait-at-most.ts'
import { Confirmation, type WatchedDatabases } from './confirmation.ts'
import { databaseFaultWords, HALTED, TWO_PRIMARIES, WAITS, WATCHED } from './home-words.ts'
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
  /** Whether a person has ended the sharing, until the next start. */
  left = false
  #copies: RecordCopies | undefined
  #database: Answer<unknown> | undefined

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
    return !this.beat.halted && this.confirmation.holds()
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
    const now = this.#database?.now ?? Infinity
    return keeper !== undefined && now - keeper.beatAt < this.policy.silentMs
  }

  whyNotConfirmed(): Words | undefined {
    if (this.beat.halted) return HALTED
    if (this.isConfirmed()) return undefined
    const fault = this.store.fault()
    if (fault) return databaseFaultWords(fault)
    if (this.store.hasTwoPrimaries()) return TWO_PRIMARIES
    return this.beat.hasWaited() ? WATCHED : WAITS
  }

  refuseChangeOfHome(): SidecarError | undefined {
    // One that was just started may have lost what its homes have yet to publish again.
    const words = this.store.hasTwoPrimaries()
      ? TWO_PRIMARIES
      : (this.whyNotConfirmed() ?? (this.isDatabaseKnown() ? undefined : WATCHED))
    return words && new SidecarError('unavailable', words.message, { hint: words.hint })
  }

  async within<T>(asked: Asked<T>): Asked<T> {
    let answer: Answer<T> | undefined
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

  databaseClock(): Answer<unknown> | undefined {
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

  /** Keeps what an answer tells of the database. */
  async note<T>(asked: Asked<T>): Promise<Answer<T> | undefined> {
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
