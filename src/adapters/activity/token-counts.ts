/**
 * How many tokens each caller got of each app, hour by hour: counted in memory, and written as totals,
 * of which the largest holds, in one file for each day (UTC).
 */
import type { TokenCount } from '../../core/activity.ts'
import type { Instant } from '../../core/token.ts'
import type { ActivityDirectory, Kept } from './activity-directory.ts'
import { DAY_MS } from './activity-items.ts'
import { type CountsLine, HOURS, parseCountsLine, toCountsLine } from './activity-lines.ts'

const HOUR_MS = 3_600_000
const PREFIX = 'tokens'
const KEPT: Kept = { maxAgeMs: 91 * DAY_MS, maxBytes: 12 * 1024 * 1024 }

/** The totals of a day are written anew, once each, when their file has become so much larger than they are. */
const SLACK_BYTES = 256 * 1024

export interface CountQuery {
  readonly since: Instant
  /** Not included. */
  readonly until: Instant
  readonly limit: number
  readonly matches: (app: string, caller: string) => boolean
  /** What is summed over. */
  readonly sumOver?: 'apps' | 'callers'
}

/** One caller and one app on one day. */
interface Pair {
  readonly app: string
  readonly caller: string
  /** Since this process began. */
  readonly counted: Float64Array
  readonly written: Float64Array
}

interface Day {
  readonly pairs: Map<string, Pair>
  /** What processes before this one had counted; undefined until it is read. */
  before?: ReadonlyMap<string, Float64Array>
  bytes: number
}

export class TokenCounts {
  readonly #directory: ActivityDirectory
  readonly #days = new Map<number, Day>()

  constructor(directory: ActivityDirectory) {
    this.#directory = directory
  }

  /** Counts one token. Called for each: it must not wait. */
  add(app: string, caller: string, now: Instant): void {
    const day = Math.floor(now / DAY_MS)
    let pairs = this.#days.get(day)?.pairs
    if (!pairs) {
      pairs = new Map()
      this.#days.set(day, { pairs, bytes: 0 })
    }
    const key = keyOf(app, caller)
    let pair = pairs.get(key)
    if (!pair) {
      const written = new Float64Array(HOURS)
      pair = { app, caller, counted: new Float64Array(HOURS), written }
      pairs.set(key, pair)
    }
    const hour = Math.floor((now - day * DAY_MS) / HOUR_MS)
    pair.counted[hour] = (pair.counted[hour] ?? 0) + 1
  }

  /** @throws what the disk says; then nothing is lost. */
  async flush(now: Instant): Promise<void> {
    const today = Math.floor(now / DAY_MS)
    for (const [number, day] of this.#days) {
      await this.#flushDay(number, day, now)
      if (number === today) continue
      this.#days.delete(number)
      await this.#compact(number)
      await this.#directory.prune(PREFIX, KEPT, now)
    }
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
    const stored = (await this.#directory.list(PREFIX)).map(({ from }) => Math.floor(from / DAY_MS))
    return [...new Set([...stored, ...this.#days.keys()])]
      .filter((day) => day * DAY_MS < until && (day + 1) * DAY_MS > first)
      .sort((one, other) => other - one)
  }

  async #flushDay(number: number, day: Day, now: Instant): Promise<void> {
    if (!day.before) {
      day.before = await this.#readDay(number)
      day.bytes = await this.#directory.sizeOf(nameOf(number))
    }
    const { before } = day
    const changed = [...day.pairs].flatMap(([key, pair]) => {
      const hours = [...pair.counted.entries()].flatMap(([hour, counted]): [number, number][] =>
        counted === pair.written[hour] ? [] : [[hour, counted]],
      )
      return hours.length > 0 ? [{ pair, hours, earlier: before.get(key) }] : []
    })
    if (changed.length === 0) return
    const lines = changed
      .map(({ pair: { app, caller }, hours, earlier }) =>
        toCountsLine({ app, caller, hours: hours.map(([h, n]) => [h, n + (earlier?.[h] ?? 0)]) }),
      )
      .join('')
    await this.#directory.append(nameOf(number), lines)
    for (const { pair, hours } of changed) {
      for (const [hour, counted] of hours) pair.written[hour] = counted
    }
    day.bytes += lines.length
    if (day.bytes > SLACK_BYTES) {
      const compact = await this.#compact(number)
      // Where the totals themselves are large, they are not written anew at each beat.
      day.bytes = Math.min(0, SLACK_BYTES - compact)
      await this.#directory.prune(PREFIX, KEPT, now)
    }
  }

  /** Writes each total of the day once. Resolves with the length of the file. */
  async #compact(number: number): Promise<number> {
    const lines = [...(await this.#readDay(number))]
      .map(([key, hours]) => toCountsLine({ ...pairOf(key), hours: nonZero(hours) }))
      .join('')
    await this.#directory.write(nameOf(number), lines)
    return lines.length
  }

  /** What is on disk, and what has been counted since. */
  async #totalsOf(number: number): Promise<ReadonlyMap<string, Float64Array>> {
    const totals = await this.#readDay(number)
    for (const [key, { counted, written }] of this.#days.get(number)?.pairs ?? []) {
      const hours = totalOf(totals, key)
      for (const [hour, count] of counted.entries()) {
        hours[hour] = (hours[hour] ?? 0) + count - (written[hour] ?? 0)
      }
    }
    return totals
  }

  async #readDay(number: number): Promise<Map<string, Float64Array>> {
    const totals = new Map<string, Float64Array>()
    for (const line of await this.#directory.read(nameOf(number))) {
      const parsed = parseCountsLine(line)
      if (!parsed) continue
      const hours = totalOf(totals, keyOf(parsed.app, parsed.caller))
      for (const [hour, tokens] of parsed.hours) hours[hour] = Math.max(hours[hour] ?? 0, tokens)
    }
    return totals
  }
}

function countsAt(
  at: Instant,
  hour: number,
  totals: readonly { app: string; caller: string; hours: Float64Array }[],
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
    const key = keyOf(shown.app ?? '', shown.caller ?? '')
    const before = sums.get(key)?.tokens ?? 0
    sums.set(key, { hour: at, ...shown, tokens: before + tokens })
  }
  return [...sums.values()]
}

function totalOf(totals: Map<string, Float64Array>, key: string): Float64Array {
  let hours = totals.get(key)
  if (!hours) totals.set(key, (hours = new Float64Array(HOURS)))
  return hours
}

function nonZero(hours: Float64Array): CountsLine['hours'] {
  return [...hours.entries()].filter(([, tokens]) => tokens > 0)
}

function nameOf(day: number): string {
  return `${PREFIX}-${day * DAY_MS}.jsonl`
}

/** No name has a space in it. */
function keyOf(app: string, caller: string): string {
  return `${app} ${caller}`
}

function pairOf(key: string): { app: string; caller: string } {
  const [app = '', caller = ''] = key.split(' ')
  return { app, caller }
}
