/**
 * The counts of one day (UTC): added up in memory, and written as totals, of which the largest counts.
 * A day has room for some 10,000 pairs of app and caller. Pairs that come later are counted together,
 * for each app; where the apps are too many for that, for all apps.
 */
import type { ActivityDirectory } from './activity-directory.ts'
import { type CountsLine, HOURS, parseCountsLine, toCountsLine } from './activity-lines.ts'

export type Totals = Map<string, Float64Array>

/** Room for pairs, and for what is counted together: in bytes of a file that has each total once. */
const PAIRS_ROOM = 3.5 * 1024 * 1024
const REST_ROOM = 0.5 * 1024 * 1024
/** A line without its names: 24 counts of 5 digits, more than a machine hands out to so many pairs. */
const LINE_BYTES = 310

/** A file is rewritten, with each total once, when it has grown by this much. */
const SLACK_BYTES = { least: 256 * 1024, most: 1024 * 1024 }

export class DayCounts {
  readonly #directory: ActivityDirectory
  readonly #name: string
  readonly #onFull: () => void
  /** Counted since the last look. */
  #fresh: Totals = new Map()
  /** All of the day but `#fresh`; undefined until the file is read. */
  #totals: Totals | undefined
  /** What the file does not have yet. */
  readonly #unwritten = new Map<string, Set<number>>()
  readonly #used = { pairs: 0, rest: 0 }
  #isFull = false
  #mustRewrite = false
  #bytes = 0
  /** How long the file may become. */
  #most = 0

  /** @param onFull called once, when pairs begin to be counted together. */
  constructor(directory: ActivityDirectory, name: string, onFull: () => void) {
    this.#directory = directory
    this.#name = name
    this.#onFull = onFull
  }

  /** Counts one token. Called for each: it must not wait. */
  add(app: string, caller: string, hour: number): void {
    const hours = hoursOf(this.#fresh, pairKey({ app, caller }))
    hours[hour] = (hours[hour] ?? 0) + 1
  }

  /** What is on disk, and what has been counted since. */
  async totals(): Promise<Totals> {
    const totals = this.#totals ?? (await this.#read())
    const fresh = this.#fresh
    this.#fresh = new Map()
    for (const [key, counted] of largestFirst(fresh)) {
      const place = this.#placeFor(totals, key)
      const hours = hoursOf(totals, place)
      const unwritten = this.#unwritten.get(place) ?? new Set()
      this.#unwritten.set(place, unwritten)
      for (const [hour, tokens] of nonZero(counted)) {
        hours[hour] = (hours[hour] ?? 0) + tokens
        unwritten.add(hour)
      }
    }
    return totals
  }

  /**
   * Resolves with whether the file was rewritten.
   * @param isOver the day is over: each total is written once.
   * @throws what the disk says; then nothing is lost.
   */
  async flush(isOver: boolean): Promise<boolean> {
    const totals = await this.totals()
    if (this.#unwritten.size === 0 && !this.#mustRewrite && !isOver) return false
    const lines = [...this.#unwritten]
      .map(([key, hours]) =>
        toLine(
          key,
          nonZero(totals.get(key)).filter(([at]) => hours.has(at)),
        ),
      )
      .join('')
    const isRewritten = isOver || this.#mustRewrite || this.#bytes + lines.length > this.#most
    if (isRewritten) await this.#rewrite(totals)
    else await this.#directory.append(this.#name, lines)
    if (!isRewritten) this.#bytes += lines.length
    this.#unwritten.clear()
    return isRewritten
  }

  /** What processes before this one have counted. */
  async #read(): Promise<Totals> {
    const totals: Totals = new Map()
    for (const [key, counted] of largestFirst(await readTotals(this.#directory, this.#name))) {
      const place = this.#placeFor(totals, key)
      // An older version had no limit for a day.
      if (place !== key) this.#mustRewrite = true
      const hours = hoursOf(totals, place)
      for (const [hour, tokens] of nonZero(counted)) hours[hour] = (hours[hour] ?? 0) + tokens
    }
    this.#totals = totals
    this.#bytes = await this.#directory.sizeOf(this.#name)
    this.#most = mostFor(serializeTotals(totals).length)
    if (this.#bytes > this.#most) this.#mustRewrite = true
    return totals
  }

  async #rewrite(totals: Totals): Promise<void> {
    const text = serializeTotals(totals)
    await this.#directory.write(this.#name, text)
    this.#mustRewrite = false
    this.#bytes = text.length
    this.#most = mostFor(text.length)
  }

  /** The key under which a pair is counted: its own while there is room. It never changes within the day. */
  #placeFor(totals: Totals, key: string): string {
    const { app } = pairOf(key)
    for (const place of [key, pairKey({ app, caller: null })]) {
      if (totals.has(place)) return place
      const [kind, room] =
        pairOf(place).caller === null
          ? (['rest', REST_ROOM] as const)
          : (['pairs', PAIRS_ROOM] as const)
      const used = this.#used[kind] + LINE_BYTES + place.length
      if (used <= room) {
        this.#used[kind] = used
        return place
      }
      if (!this.#isFull) this.#onFull()
      this.#isFull = true
    }
    return pairKey({ app: null, caller: null })
  }
}

/** What a file has; nothing where there is none. */
export async function readTotals(directory: ActivityDirectory, name: string): Promise<Totals> {
  const totals: Totals = new Map()
  for (const line of await directory.read(name)) {
    const parsed = parseCountsLine(line)
    if (!parsed) continue
    const hours = hoursOf(totals, pairKey(parsed))
    for (const [hour, tokens] of parsed.hours) hours[hour] = Math.max(hours[hour] ?? 0, tokens)
  }
  return totals
}

type AppAndCaller = Pick<CountsLine, 'app' | 'caller'>

/** No name is empty or has a space in it. */
export function pairKey({ app, caller }: AppAndCaller): string {
  return `${app ?? ''} ${caller ?? ''}`
}

export function pairOf(key: string): AppAndCaller {
  const [app = '', caller = ''] = key.split(' ')
  return { app: app === '' ? null : app, caller: caller === '' ? null : caller }
}

function hoursOf(totals: Totals, key: string): Float64Array {
  let hours = totals.get(key)
  if (!hours) totals.set(key, (hours = new Float64Array(HOURS)))
  return hours
}

/** The largest first, so that those get a line of their own. */
function largestFirst(totals: Totals): readonly (readonly [string, Float64Array])[] {
  const sum = (hours: Float64Array) => hours.reduce((sum, tokens) => sum + tokens, 0)
  return [...totals]
    .map(([key, hours]) => ({ key, hours, sum: sum(hours) }))
    .sort((one, other) => other.sum - one.sum)
    .map(({ key, hours }) => [key, hours])
}

function mostFor(length: number): number {
  return length + Math.min(Math.max(length, SLACK_BYTES.least), SLACK_BYTES.most)
}

function serializeTotals(totals: Totals): string {
  return [...totals].map(([key, hours]) => toLine(key, nonZero(hours))).join('')
}

function toLine(key: string, hours: CountsLine['hours']): string {
  return toCountsLine({ ...pairOf(key), hours })
}

function nonZero(hours: Float64Array | undefined): CountsLine['hours'] {
  return [...(hours?.entries() ?? [])].filter(([, tokens]) => tokens > 0)
}
