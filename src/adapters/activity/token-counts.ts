/**
 * How many tokens each caller got of each app, hour by hour: counted in memory, and kept in one file
 * for each day (UTC).
 */
import { DAY_MS, HOUR_MS } from '../../core/durations.ts'
import type { TokenCount } from '../../core/activity.ts'
import type { Log } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import type { ActivityDirectory, Retention } from './activity-directory.ts'
import { HOURS } from './activity-lines.ts'
import { DayCounts, pairKey, pairOf, readTotals, type Totals } from './day-counts.ts'

const COUNTS_PREFIX = 'tokens'
/** The file of the day may grow by 1 MiB between two looks, and is on the disk twice while it is rewritten. */
const COUNTS_RETENTION: Retention = { maxAgeMs: 91 * DAY_MS, maxBytes: 11 * 1024 * 1024 }

export interface CountQuery {
  readonly since: Instant
  /** Not included. */
  readonly until: Instant
  readonly limit: number
  /** In the remainder that a full day counts together, the caller is null, or both are. */
  readonly matches: (app: string | null, caller: string | null) => boolean
  /** What is summed over. */
  readonly sumOver?: 'apps' | 'callers'
}

export class TokenCounts {
  readonly #directory: ActivityDirectory
  readonly #log: Log
  readonly #days = new Map<number, DayCounts>()
  #isPruned = false

  constructor(directory: ActivityDirectory, log: Log) {
    this.#directory = directory
    this.#log = log
  }

  /** Counts one token. Called for each: it must not wait. */
  add(app: string, caller: string, now: Instant): void {
    const number = Math.floor(now / DAY_MS)
    const hour = Math.floor((now - number * DAY_MS) / HOUR_MS)
    let day = this.#days.get(number)
    if (!day) {
      day = new DayCounts(this.#directory, countsFileName(number), () => {
        this.#log.warn(
          {},
          'too many pairs of app and caller took tokens in one day: those that come now are counted together',
        )
      })
      this.#days.set(number, day)
    }
    day.add(app, caller, hour)
  }

  /** @throws what the disk says; then nothing is lost, and one day does not keep another from the disk. */
  async flush(now: Instant): Promise<void> {
    const today = Math.floor(now / DAY_MS)
    const errors: unknown[] = []
    for (const [number, day] of this.#days) {
      try {
        const isOver = number !== today
        const isRewritten = await day.flush(isOver)
        if (isOver) this.#days.delete(number)
        if (isRewritten) this.#isPruned = false
      } catch (error) {
        errors.push(error)
      }
    }
    if (!this.#isPruned) await this.#directory.prune(COUNTS_PREFIX, COUNTS_RETENTION, now)
    this.#isPruned = true
    if (errors.length > 0) throw errors[0]
  }

  /** Whole hours, newest first, until there are `limit` counts or more; and where to go on. */
  async find({ since, until, limit, matches, sumOver }: CountQuery): Promise<{
    counts: TokenCount[]
    next: Instant | null
  }> {
    const first = Math.floor(since / HOUR_MS) * HOUR_MS
    const counts: TokenCount[] = []
    for (const number of await this.#daysWithin(first, until)) {
      const totals = [...(await this.#totalsOf(number))].map(([key, hours]) => ({
        ...pairOf(key),
        hours,
      }))
      const visible = totals.filter(({ app, caller }) => matches(app, caller))
      for (let hour = HOURS - 1; hour >= 0; hour--) {
        const at = number * DAY_MS + hour * HOUR_MS
        if (at >= until || at < first) continue
        if (counts.length >= limit) return { counts, next: at + HOUR_MS }
        counts.push(...countsAt(at, hour, visible, sumOver))
      }
    }
    return { counts, next: null }
  }

  async #daysWithin(first: Instant, until: Instant): Promise<readonly number[]> {
    const stored = (await this.#directory.list(COUNTS_PREFIX)).map(({ from }) =>
      Math.floor(from / DAY_MS),
    )
    return [...new Set([...stored, ...this.#days.keys()])]
      .filter((day) => day * DAY_MS < until && (day + 1) * DAY_MS > first)
      .sort((one, other) => other - one)
  }

  async #totalsOf(number: number): Promise<Totals> {
    return (
      this.#days.get(number)?.totals() ??
      (await readTotals(this.#directory, countsFileName(number)))
    )
  }
}

function countsAt(
  at: Instant,
  hour: number,
  totals: readonly { app: string | null; caller: string | null; hours: Float64Array }[],
  sumOver: CountQuery['sumOver'],
): TokenCount[] {
  const sums = new Map<string, TokenCount>()
  for (const { app, caller, hours } of totals) {
    const tokens = hours[hour] ?? 0
    if (tokens === 0) continue
    const shown = {
      app: sumOver === 'apps' ? null : app,
      caller: sumOver === 'callers' ? null : caller,
    }
    const key = pairKey(shown)
    const before = sums.get(key)?.tokens ?? 0
    sums.set(key, { hour: at, ...shown, tokens: before + tokens })
  }
  return [...sums.values()]
}

function countsFileName(day: number): string {
  return `${COUNTS_PREFIX}-${day * DAY_MS}.jsonl`
}
