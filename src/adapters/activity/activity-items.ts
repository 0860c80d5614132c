/** The entries: in memory until the next beat, then in files, each of one day and about 1 MiB at most. */
import { DAY_MS, HOUR_MS } from '../../core/durations.ts'
import type { Activity } from '../../core/activity.ts'
import type { Instant } from '../../core/token.ts'
import type { ActivityDirectory, Retention } from './activity-directory.ts'
import { parseItemLine, toItemLine } from './activity-lines.ts'

const ITEMS_PREFIX = 'items'
const ITEMS_RETENTION: Retention = { maxAgeMs: 8 * DAY_MS, maxBytes: 11 * 1024 * 1024 }
const ITEMS_SHOWN_MS = 7 * DAY_MS
const ITEMS_FILE_MAX_BYTES = 1024 * 1024

/** An entry may wait for the disk beyond the end of its day. */
const LATE_MS = HOUR_MS

/** While the disk refuses, the oldest are dropped. */
const PENDING_MAX = 5_000

export interface ItemQuery {
  readonly since: Instant
  /** Not included. */
  readonly until: Instant
  readonly limit: number
  readonly matches: (item: Activity) => boolean
}

export interface FoundItems {
  readonly items: Activity[]
  /** The `until` of the next page; null on the last one. */
  readonly next: Instant | null
}

export class ActivityItems {
  readonly #directory: ActivityDirectory
  #pending: Activity[] = []
  #file: { readonly name: string; readonly day: number; bytes: number } | undefined
  #isPruned = false

  constructor(directory: ActivityDirectory) {
    this.#directory = directory
  }

  add(item: Activity): void {
    this.#pending.push(item)
    if (this.#pending.length > PENDING_MAX) this.#pending.shift()
  }

  /** @throws what the disk says; then nothing is lost. */
  async flush(now: Instant): Promise<void> {
    const batch = [...this.#pending]
    const [first] = batch
    if (!first) return
    const file = this.#file ?? (await this.#newestFile(now))
    const day = Math.floor(now / DAY_MS)
    const isFull = file?.day !== day || file.bytes >= ITEMS_FILE_MAX_BYTES
    const target = isFull ? { name: `${ITEMS_PREFIX}-${first.at}.jsonl`, day, bytes: 0 } : file
    const lines = batch.map(toItemLine).join('')
    // Where the disk refuses, the next flush looks up what it wrote nevertheless.
    this.#file = undefined
    await this.#directory.append(target.name, lines)
    target.bytes += lines.length
    this.#file = target
    const written = new Set(batch)
    this.#pending = this.#pending.filter((item) => !written.has(item))
    if (isFull || !this.#isPruned) await this.#directory.prune(ITEMS_PREFIX, ITEMS_RETENTION, now)
    this.#isPruned = true
  }

  /**
   * The newest entries that match, newest first, and where to go on. Entries of one instant, as a clock
   * that is set back may give them, come on one page, which may have more than `limit` then.
   */
  async find({ since, until, limit, matches }: ItemQuery, now: Instant): Promise<FoundItems> {
    const from = Math.max(since, now - ITEMS_SHOWN_MS)
    // A batch that was half written before the disk refused is there twice.
    const found = new Map<string, Activity>()
    const take = (item: Activity | undefined) => {
      if (!item || item.at < from || item.at >= until || !matches(item)) return
      const { at, kind, app, caller, cause, fingerprint } = item
      found.set([at, kind, app, caller, cause, fingerprint].join(' '), item)
    }
    const newestFirst = () => [...found.values()].sort((one, other) => other.at - one.at)
    this.#pending.forEach(take)
    for (const { name, from: begun } of [...(await this.#directory.list(ITEMS_PREFIX))].reverse()) {
      // A file has the entries of one day, in whatever order the clock was set.
      const last = newestFirst()[limit]
      if (last && last.at > begun + DAY_MS + LATE_MS) break
      if (Math.floor(begun / DAY_MS) * DAY_MS - LATE_MS >= until) continue
      for (const line of await this.#directory.read(name)) take(parseItemLine(line))
    }
    const all = newestFirst()
    const end = all[limit - 1]
    const items = end ? all.filter((item, index) => index < limit || item.at === end.at) : all
    return { items, next: end && all.length > items.length ? end.at : null }
  }

  /** The file of today that an earlier process wrote last. */
  async #newestFile(now: Instant) {
    const day = Math.floor(now / DAY_MS)
    const files = await this.#directory.list(ITEMS_PREFIX)
    const newest = files.findLast(({ from }) => Math.floor(from / DAY_MS) === day)
    if (!newest) return undefined
    return { name: newest.name, day, bytes: await this.#directory.sizeOf(newest.name) }
  }
}
