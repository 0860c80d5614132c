/**
 * The beat of a keeper: with it the others see that it runs, and it sees whether another process runs
 * under its id, as a copied machine would.
 */
import type { Clock, Log } from '../../core/ports.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type { Answer, Asked, KeeperRow, SharedStore } from '../../core/sharing/shared-store.ts'

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

type Note = <T>(asked: Asked<T>) => Promise<Answer<T> | undefined>

export class KeeperBeat {
  readonly #deps: KeeperBeatDeps
  /** Keeps what each answer tells of the database. */
  readonly #note: Note
  #keepers: readonly KeeperRow[] = []
  /** On the monotonic clock; undefined before the first beat. */
  #waitsUntil: number | undefined
  #halted = false
  #beatAt = -Infinity

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

  /** Whether nothing that another process under this id asked for before can be under way any more. */
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
    if (keepers) this.#keepers = keepers.value
  }

  /** @returns whether it is the last one under its id; undefined where the database did not answer. */
  async beat(kids: readonly string[]): Promise<boolean | undefined> {
    const { store, self, log } = this.#deps
    const beaten = await this.#note(store.beat({ ...self, kids }))
    if (!beaten) return undefined
    if (!beaten.value && !this.#halted) {
      log.error(
        {},
        'another process runs under the id of this keeper: its state directory was copied',
      )
    }
    // Only another start ends it: who knows what was sent meanwhile.
    this.#halted ||= !beaten.value
    return beaten.value
  }

  async leave(): Promise<void> {
    if (this.hasBeaten && !this.#halted) await this.#deps.store.leave(this.#deps.self)
  }

  /** The first beat: whatever process wrote the last one. */
  async #claim(kids: readonly string[]): Promise<boolean | undefined> {
    const { store, self, isGone, policy, clock, log } = this.#deps
    const keepers = await this.#note(store.keepers())
    if (!keepers) return undefined
    const before = keepers.value.find(({ id }) => id === self.id)
    const isYoung = before !== undefined && keepers.now - before.beatAt < policy.silentMs
    const mayLive = isYoung && !isGone(before.instance)
    if (!(await this.#note(store.claim({ ...self, kids })))) return undefined
    this.#waitsUntil = clock.read().mono + (mayLive ? policy.cloneMs : 0)
    if (mayLive) log.warn({}, WAITS_FOR_ANOTHER)
    return true
  }
}

const WAITS_FOR_ANOTHER =
  'another process may still use the sessions of this keeper: none is renewed until what it asked for is over'
