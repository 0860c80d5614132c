/**
 * The beat of a keeper: it shows the others that this keeper runs, and reveals another process under the
 * same id, such as that of a copied machine.
 */
import type { Clock, Log } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  DatabaseAnswer,
  PromisedAnswer,
  KeeperRow,
  SharedStore,
} from '../../core/sharing/shared-store.ts'

export interface KeeperBeatDeps {
  readonly clock: Clock
  readonly log: Log
  readonly store: Pick<SharedStore, 'keepers' | 'claim' | 'beat' | 'leave'>
  readonly policy: Pick<SharingPolicy, 'beatMs' | 'silentMs' | 'cloneMs'>
  /** This daemon; its keys are those of the vault. */
  readonly self: Omit<KeeperRow, 'beatAt' | 'kids'>
  /** Whether the process that `instance` names was one of this state directory, and is gone. */
  readonly isGone: (instance: string) => boolean
}

type Note = <T>(asked: PromisedAnswer<T>) => Promise<DatabaseAnswer<T> | undefined>

export class KeeperBeat {
  readonly #deps: KeeperBeatDeps
  /** Keeps what each answer tells of the database. */
  readonly #note: Note
  #keepers: readonly KeeperRow[] = []
  /** The last beat of each keeper by its id, and when it was new here (monotonic clock). */
  readonly #seen = new Map<string, { readonly beatAt: Instant; readonly at: number }>()
  /** On the monotonic clock; undefined before the first beat. */
  #waitsUntil: number | undefined
  #halted = false
  #beatAt = -Infinity
  /** The answer to the last beat that was written. */
  #lastBeat: DatabaseAnswer<unknown> | undefined

  constructor(deps: KeeperBeatDeps, note: Note) {
    this.#deps = deps
    this.#note = note
  }

  get keepers(): readonly KeeperRow[] {
    return this.#keepers
  }

  /** Whether another process writes beats under the id of this one. */
  get halted(): boolean {
    return this.#halted
  }

  /** Whether the first beat of this process was written. */
  get hasBeaten(): boolean {
    return this.#waitsUntil !== undefined
  }

  /** Whether every request of an earlier process under this id is certainly over. */
  hasWaited(): boolean {
    return this.#waitsUntil !== undefined && this.#deps.clock.read().mono >= this.#waitsUntil
  }

  async beatIfDue(kids: readonly string[]): Promise<void> {
    const { clock, policy } = this.#deps
    const { mono } = clock.read()
    if (mono - this.#beatAt < policy.beatMs) return
    const beaten = this.hasBeaten ? await this.beat(kids) : await this.#claim(kids)
    if (beaten === undefined) return
    this.#beatAt = mono
    const keepers = await this.#note(this.#deps.store.keepers())
    if (keepers) this.#see(keepers.value)
  }

  /**
   * Whether a keeper writes beats. One from the future says nothing unless it is new: the database's clock
   * was set back since.
   *
   * @param now the database's clock.
   */
  isAlive({ id, beatAt }: Pick<KeeperRow, 'id' | 'beatAt'>, now: Instant): boolean {
    const { clock, policy } = this.#deps
    const { silentMs } = policy
    const seen = this.#seen.get(id)
    const isNew = seen?.beatAt !== beatAt || clock.read().mono - seen.at < silentMs
    return now - beatAt < silentMs && isNew
  }

  #see(keepers: readonly KeeperRow[]): void {
    const { mono: at } = this.#deps.clock.read()
    for (const { id, beatAt } of keepers) {
      if (this.#seen.get(id)?.beatAt !== beatAt) this.#seen.set(id, { beatAt, at })
    }
    this.#keepers = keepers
  }

  /** @returns whether it is the last one under its id; undefined where the database did not answer. */
  async beat(kids: readonly string[]): Promise<boolean | undefined> {
    const { store, self, log } = this.#deps
    const last = this.#lastBeat
    const beaten = await this.#note(store.beat({ ...self, kids }))
    if (!beaten) return undefined
    if (beaten.value) this.#lastBeat = beaten
    if (beaten.value || this.#halted) return beaten.value
    const isLost = await this.#isLost(last, beaten)
    if (isLost !== false) return isLost && this.#claim(kids)
    log.error(
      {},
      'another process runs under the id of this keeper: its state directory was copied',
    )
    // Only a restart ends this: it is unknown what the other process has sent meanwhile.
    this.#halted = true
    return false
  }

  async leave(): Promise<void> {
    if (this.hasBeaten && !this.#halted) await this.#deps.store.leave(this.#deps.self)
  }

  /**
   * Whether the database is another one that has lost the beats of this process: it was restored, or took
   * over from one that had more. Its beat of this id is then older than our last one.
   */
  async #isLost(
    last: DatabaseAnswer<unknown> | undefined,
    { incarnation }: DatabaseAnswer<unknown>,
  ): Promise<boolean | undefined> {
    if (!last || last.incarnation === incarnation) return false
    const { store, self } = this.#deps
    const keepers = await this.#note(store.keepers())
    if (!keepers) return undefined
    const own = keepers.value.find(({ id }) => id === self.id)
    return own !== undefined && (own.instance === self.instance || own.beatAt < last.now)
  }

  /** The first beat at a database: whatever process wrote the last one. */
  async #claim(kids: readonly string[]): Promise<boolean | undefined> {
    const { store, self, isGone, policy, clock, log } = this.#deps
    const keepers = await this.#note(store.keepers())
    if (!keepers) return undefined
    const before = keepers.value.find(({ id }) => id === self.id)
    const isYoung = before !== undefined && keepers.now - before.beatAt < policy.silentMs
    // The beat may be our own, if its answer was lost.
    const isOther = isYoung && before.instance !== self.instance
    const mayLive = isOther && !isGone(before.instance)
    const claimed = await this.#note(store.claim({ ...self, kids }))
    if (!claimed) return undefined
    this.#lastBeat = claimed
    this.#waitsUntil = clock.read().mono + (mayLive ? policy.cloneMs : 0)
    if (mayLive) log.warn({}, WAITS_FOR_ANOTHER)
    return true
  }
}

const WAITS_FOR_ANOTHER =
  'another process may still use the sessions of this keeper: none is renewed until its requests are over'
