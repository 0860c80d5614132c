/**
 * What happened and who got how many tokens, for people to look at. It is kept in memory until the
 * heartbeat writes it, so that nothing waits for the disk; a kill costs what came after the last beat.
 */
import type { Activity, Happened, TokenCount } from '../../core/activity.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import { Queue } from '../../queue.ts'
import { ActivityDirectory } from './activity-directory.ts'
import { ActivityItems, type ItemQuery } from './activity-items.ts'
import { type CountQuery, TokenCounts } from './token-counts.ts'

export interface ActivityLog {
  /** Keeps an entry. It must not wait, and never throws. */
  record(happened: Happened): void
  /** Counts a token that was handed out. As `record`. */
  countToken(app: string, caller: string): void
  /** Called with each entry as it is kept. */
  readonly readers: Set<(item: Activity) => void>
  /** Writes what has come since the last call. Never rejects because of a disk. */
  flush(): Promise<void>
  /** Entries, newest first; `next` is the `until` of the next page, null on the last one. */
  items(query: ItemQuery): Promise<{ items: Activity[]; next: Instant | null }>
  /** Counts by hour, newest first; whole hours, so it may be more than `limit`. */
  hours(query: CountQuery): Promise<{ counts: TokenCount[]; next: Instant | null }>
}

/** A clock that is set back by more than this may give an instant twice. */
const SAME_MS = 1_000

export function createActivityLog({
  path,
  clock,
  log,
}: {
  /** The directory. */
  readonly path: string
  readonly clock: Clock
  readonly log: Log
}): ActivityLog {
  const directory = new ActivityDirectory(path)
  const items = new ActivityItems(directory)
  const counts = new TokenCounts(directory)
  const disk = new Queue()
  const readers = new Set<(item: Activity) => void>()
  let lastAt = -Infinity
  let fails = false

  /** Each its own, so that they tell where a list goes on. */
  function nextInstant(): Instant {
    const { wall } = clock.read()
    const now = Math.floor(wall)
    lastAt = now <= lastAt && now > lastAt - SAME_MS ? lastAt + 1 : now
    return lastAt
  }

  return {
    readers,
    record(happened) {
      const { app = null, caller = null, cause = null, durationMs = null } = happened
      const { kind, error = null, fingerprint = null } = happened
      const item = { at: nextInstant(), app, kind, caller, cause, durationMs, error, fingerprint }
      items.add(item)
      for (const tell of readers) tell(item)
    },
    countToken(app, caller) {
      counts.add(app, caller, clock.read().wall)
    },
    flush: () =>
      disk.run(async () => {
        const now = clock.read().wall
        try {
          await items.flush(now)
          await counts.flush(now)
          fails = false
        } catch (error) {
          // Tried again at each heartbeat; logged once.
          if (!fails) log.warn({ err: error }, 'the activity could not be stored')
          fails = true
        }
      }),
    items: (query) =>
      disk.run(async () => {
        const found = await items.find(query, clock.read().wall)
        const shown = found.slice(0, query.limit)
        return {
          items: shown,
          next: found.length > query.limit ? (shown.at(-1)?.at ?? null) : null,
        }
      }),
    hours: (query) => disk.run(() => counts.find(query)),
  }
}
