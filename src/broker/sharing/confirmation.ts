/**
 * Whether this process may believe what its disk says of homes. It may once the database, asked after
 * the process wrote its beat, has shown no row that is newer than its disk. It may no longer after a
 * time in which the process did not run: another keeper may have become the home meanwhile.
 */
import type { Clock } from '../../core/ports.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type { Reading } from '../../core/token.ts'

export class Confirmation {
  readonly #clock: Clock
  readonly #policy: Pick<SharingPolicy, 'gapMs' | 'watchMs'>
  /** Whether an incarnation of the database was watched long enough, by a process of this keeper. */
  readonly #watched: WatchedDatabases
  readonly #seenSince = new Map<string, number>()
  #seen: Reading
  #confirmed = false
  #gaps = 0

  constructor(
    clock: Clock,
    policy: Pick<SharingPolicy, 'gapMs' | 'watchMs'>,
    watched: WatchedDatabases,
  ) {
    this.#clock = clock
    this.#policy = policy
    this.#watched = watched
    this.#seen = clock.read()
  }

  /** Notes that the process runs. Called often. */
  look(): void {
    const now = this.#clock.read()
    if (elapsedMs(this.#seen, now) >= this.#policy.gapMs) {
      this.#confirmed = false
      this.#gaps += 1
    }
    this.#seen = now
  }

  holds(): boolean {
    this.look()
    return this.#confirmed
  }

  /** How often the process has stood still so far. */
  get gaps(): number {
    this.look()
    return this.#gaps
  }

  /** @param gaps as they were before the database was asked. @returns false where there was one since. */
  confirm(gaps: number): boolean {
    if (this.gaps !== gaps) return false
    this.#confirmed = true
    return true
  }

  drop(): void {
    this.#confirmed = false
  }

  /**
   * Whether a database was watched long enough to be believed. One that was just started may have lost
   * what was written last, and the homes need time to publish it again.
   */
  hasWatched(incarnation: string): boolean {
    if (this.#watched.has(incarnation)) return true
    const { mono } = this.#clock.read()
    const since = this.#seenSince.get(incarnation) ?? mono
    this.#seenSince.set(incarnation, since)
    if (mono - since < this.#policy.watchMs) return false
    this.#watched.add(incarnation)
    return true
  }
}

/** The databases that a keeper has watched long enough; they survive its process. */
export interface WatchedDatabases {
  has(incarnation: string): boolean
  add(incarnation: string): void
}

/** By the larger of the two clocks. */
export function elapsedMs(from: Reading, to: Reading): number {
  return Math.max(to.mono - from.mono, Math.abs(to.wall - from.wall))
}
