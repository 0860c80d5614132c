/** Keeps the page's state up to date: reads it after connecting, then follows the events. */
import { HOUR_MS } from '../core/durations.ts'
import type {
  About,
  AppStatusAnswer,
  CallerAnswer,
  DaemonEvent,
  HourCount,
  Item,
} from './answers.ts'
import { ITEMS_MAX, RANGES, type State } from './state.ts'
import { Refused, type Wire } from './wire.ts'

const FOLLOW_RETRY_MS = 2_000
/** How often the data without events is read again. */
const REREAD_MS = 60_000
const UNAUTHORIZED = 401
const ITEMS_PAGE = 1_000
/** How many pages are read before drawing: each drawing of the plots takes several frames. */
const PAGES_AT_ONCE = 5
const COUNTS_PAGE = 10_000
const ITEMS_PATH = `/v1/activity?limit=${ITEMS_PAGE}`

export interface Follower {
  /** Follows the daemon until the page's key ends or the page is closed; reconnects after an interruption. */
  follow(): Promise<void>
  /** Reads again what depends on the range. Never rejects. */
  readHours(): Promise<void>
  /** Ends `follow`, when a person closes the page. */
  stop(): void
}

interface AnswerPage<Entry> {
  readonly items: readonly Entry[]
  readonly next: string | null
}

export function createFollower({
  state,
  wire,
  draw,
}: {
  readonly state: State
  readonly wire: Wire
  /** With the plots. */
  readonly draw: () => void
}): Follower {
  let stopped = false

  /** A click may have stopped it while the stream was read. */
  function isStopped(): boolean {
    return stopped
  }

  function take(event: DaemonEvent): void {
    switch (event.kind) {
      case 'status':
        state.apps.set(event.data.app, event.data)
        break
      case 'removed':
        state.apps.delete(event.data.app)
        // The result of a click must not be shown with a later app of the same name.
        state.told.delete(event.data.app)
        break
      case 'activity':
        if (state.items.some((item) => isSameItem(item, event.data))) return
        state.items = [event.data, ...state.items]
        if (state.items.length > ITEMS_MAX) {
          state.items = state.items.slice(0, ITEMS_MAX)
          state.hasOlderItems = true
        }
        break
      case 'stopping':
        state.connection = 'stopping'
        break
    }
    draw()
  }

  async function readApps(): Promise<void> {
    const { apps } = await wire.get<{ apps: readonly AppStatusAnswer[] }>('/v1/apps')
    state.apps.clear()
    for (const status of apps) state.apps.set(status.app, status)
  }

  /** Reads the newest entries. Resolves with the `until` of older ones. */
  async function readNewestItems(): Promise<string | null> {
    const { items, next } = await readPages<Item>(ITEMS_PATH, PAGES_AT_ONCE * ITEMS_PAGE)
    state.items = items
    state.hasOlderItems = next !== null
    return next
  }

  /** Reads the older entries, while the page is live already. */
  async function readOlderItems(from: string | null, signal: AbortSignal): Promise<void> {
    let until = from
    while (until !== null && state.items.length < ITEMS_MAX) {
      const { items, next } = await readPages<Item>(ITEMS_PATH, PAGES_AT_ONCE * ITEMS_PAGE, until)
      if (signal.aborted) return
      state.items = [...state.items, ...items]
      state.hasOlderItems = next !== null
      until = next
      draw()
    }
  }

  async function readHours(): Promise<void> {
    const { range } = state
    const since = new Date(Date.now() - RANGES[range] * HOUR_MS).toISOString()
    const query = `sum=apps&limit=${COUNTS_PAGE}&since=${encodeURIComponent(since)}`
    const { items } = await readPages<HourCount>(`/v1/activity/hours?${query}`, Infinity)
    // A person may have chosen another range meanwhile.
    if (state.range !== range) return
    state.hours = items
    draw()
  }

  /** Reads page by page until there are `most` entries or more. `next` is the `until` of what follows. */
  async function readPages<Entry>(
    path: string,
    most: number,
    from: string | null = null,
  ): Promise<AnswerPage<Entry>> {
    const entries: Entry[] = []
    let next = from
    do {
      const query: string = next === null ? '' : `&until=${encodeURIComponent(next)}`
      const page: AnswerPage<Entry> = await wire.get(path + query)
      entries.push(...page.items)
      next = page.next
    } while (next !== null && entries.length < most)
    return { items: entries, next }
  }

  async function readSlowly(): Promise<void> {
    state.about = await wire.get<About>('/v1/page')
    state.callers = (await wire.get<{ callers: CallerAnswer[] }>('/v1/callers')).callers
    await readHours()
  }

  /** Notes a lost connection. `stopping` stays: that daemon will not answer again. */
  function lose(): void {
    if (!isStopped() && state.connection !== 'stopping') state.connection = 'lost'
  }

  return {
    async follow() {
      setInterval(() => {
        if (state.connection === 'live') void readSlowly().catch(() => undefined)
      }, REREAD_MS)
      while (!isStopped()) {
        const attempt = new AbortController()
        try {
          // The stream begins before the state is read, so that no change is missed between the two.
          const events = await wire.events('/v1/events?activity=1', attempt.signal)
          const [older] = await Promise.all([readNewestItems(), readApps(), readSlowly()])
          state.connection = 'live'
          draw()
          // Where this fails, the page still says that there are older entries.
          void readOlderItems(older, attempt.signal).catch(() => undefined)
          for await (const event of events) take(event)
          lose()
        } catch (error) {
          if (error instanceof Refused && error.status === UNAUTHORIZED) {
            if (!isStopped()) state.connection = 'ended'
            stopped = true
          } else {
            lose()
          }
        } finally {
          attempt.abort()
        }
        draw()
        if (!isStopped()) await new Promise((resolve) => setTimeout(resolve, FOLLOW_RETRY_MS))
      }
    },
    readHours: () => readHours().catch(() => undefined),
    stop() {
      stopped = true
    },
  }
}

/** Compares more than the time: two entries may have the same one, where a clock was set back. */
function isSameItem(one: Item, other: Item): boolean {
  return (
    one.at === other.at &&
    one.kind === other.kind &&
    one.app === other.app &&
    one.caller === other.caller
  )
}
