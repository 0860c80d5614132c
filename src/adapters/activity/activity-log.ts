/**
 * What happened, and how many tokens each caller got, for people to look at. It is kept in memory until the
 * heartbeat writes it, so that nothing waits for the disk; a kill costs what came after the last beat.
 */
import type { Activity, NewActivity, TokenCount } from '../../core/activity.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import { Queue } from '../../queue.ts'
import { ActivityDirectory } from './activity-directory.ts'
import { ActivityItems, type FoundItems, type ItemQuery } from './activity-items.ts'
import { type CountQuery, TokenCounts } from './token-counts.ts'

export interface ActivityLog {
  /** Keeps an entry. It must not wait, and never throws. */
  record(happened: NewActivity): void
  /** Counts a token that was handed out. As `record`. */
  countToken(app: string, caller: string): void
  /** Called with each entry as it is kept. */
  readonly readers: Set<(item: Activity) => void>
  /** Writes what has come since the last call. Never rejects because of a disk. */
  flush(): Promise<void>
  /** Entries, newest first. */
  items(query: ItemQuery): Promise<FoundItems>
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
  const counts = new TokenCounts(directory, log)
  const disk = new Queue()
  const readers = new Set<(item: Activity) => void>()
  let lastAt = -Infinity
  let offset = -Infinity
  let fails = false

  /** Unique, so that it can be the cursor of a list: 10,000 apps may be added in one millisecond. */
  function nextInstant(): Instant {
    const { wall, mono } = clock.read()
    const wasSetBack = wall - mono < offset - SAME_MS
    offset = wall - mono
    lastAt = Math.max(Math.floor(wall), wasSetBack ? -Infinity : lastAt + 1)
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
        const written = await Promise.allSettled([items.flush(now), counts.flush(now)])
        const failure = written.find((one) => one.status === 'rejected')
        // Tried again at each heartbeat; logged once.
        if (failure && !fails) log.warn({ err: failure.reason }, 'the activity could not be stored')
        fails = failure !== undefined
      }),
    items: (query) => disk.run(() => items.find(query, clock.read().wall)),
    hours: (query) => disk.run(() => counts.find(query)),
  }
}
