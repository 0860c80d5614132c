/** The single entries: in memory until the next beat, then in files of a day or 1 MiB at most. */
import type { Activity } from '../../core/activity.ts'
import type { Instant } from '../../core/token.ts'
import type { ActivityDirectory, Kept } from './activity-directory.ts'
import { parseItemLine, toItemLine } from './activity-lines.ts'

export const DAY_MS = 24 * 3_600_000
const PREFIX = 'items'
const KEPT: Kept = { maxAgeMs: 8 * DAY_MS, maxBytes: 12 * 1024 * 1024 }
const SHOWN_MS = 7 * DAY_MS
const FILE_MAX_BYTES = 1024 * 1024

/** While the disk refuses, the oldest are dropped. */
const PENDING_MAX = 5_000

export interface ItemQuery {
  readonly since: Instant
  /** Not included. */
  readonly until: Instant
  readonly limit: number
  readonly matches: (item: Activity) => boolean
}

export class ActivityItems {
  readonly #directory: ActivityDirectory
  #pending: Activity[] = []
  #file: { readonly name: string; readonly day: number; bytes: number } | undefined

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
    const file = this.#file ?? (await this.#newestFile())
    const day = Math.floor(now / DAY_MS)
    const isFull = file?.day !== day || file.bytes >= FILE_MAX_BYTES
    const target = isFull ? { name: `${PREFIX}-${first.at}.jsonl`, day, bytes: 0 } : file
    const lines = batch.map(toItemLine).join('')
    await this.#directory.append(target.name, lines)
    target.bytes += lines.length
    this.#file = target
    const written = new Set(batch)
    this.#pending = this.#pending.filter((item) => !written.has(item))
    if (isFull) await this.#directory.prune(PREFIX, KEPT, now)
  }

  /** The newest entries that match, newest first; one more than `limit` where there are more. */
  async find({ since, until, limit, matches }: ItemQuery, now: Instant): Promise<Activity[]> {
    const from = Math.max(since, now - SHOWN_MS)
    // A batch that was half written before the disk refused is there twice.
    const found = new Map<string, Activity>()
    const take = (item: Activity | undefined) => {
      if (!item || item.at < from || item.at >= until || !matches(item)) return
      found.set(`${item.at} ${item.kind} ${item.app ?? ''}`, item)
    }
    this.#pending.forEach(take)
    for (const { name } of [...(await this.#directory.list(PREFIX))].reverse()) {
      if (found.size > limit) break
      for (const line of await this.#directory.read(name)) take(parseItemLine(line))
    }
    return [...found.values()].sort((one, other) => other.at - one.at).slice(0, limit + 1)
  }

  /** Where the process before this one left off. */
  async #newestFile() {
    const newest = (await this.#directory.list(PREFIX)).at(-1)
    if (!newest) return undefined
    const bytes = await this.#directory.sizeOf(newest.name)
    return { name: newest.name, day: Math.floor(newest.from / DAY_MS), bytes }
  }
}
