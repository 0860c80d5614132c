/** Prints what happened, newest last, as a log does; with `--follow` also what happens from then on. */
import { type ActivityItem, toActivityPage } from '../../client/activity.ts'
import { type Client, createClient } from '../../client/connection.ts'
import { tcpTargetOf } from '../../client/daemon-address.ts'
import { durationToMs } from '../../config/values.ts'
import type { Invocation } from '../command.ts'
import { usageFault } from '../usage.ts'
import { activityLine, activityLines } from './activity-view.ts'
import { daemonEvents } from './events.ts'
import { isTemporary, tooManyStreams, waitForDaemon } from './watch.ts'

const ITEMS_PER_READ = 1_000
/** Entries that are shown without `--since`. */
const ITEMS_SHOWN = 50
/** Width of the app's column while following: enough for most names; a longer one shifts its own line. */
const APP_WIDTH = 12

/** How many entries are remembered as shown, so that none is shown twice: more than one read brings. */
const REMEMBERED_ITEMS_MAX = 10_000

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const client = createClient(invocation.place)
  if (flag('follow')) return follow(client, invocation)
  const past = await readPast(client, invocation)
  if (flag('json')) io.stdout.write(`${JSON.stringify({ items: [...past].reverse() })}\n`)
  else
    io.stdout.write(past.length > 0 ? activityLines(past) : `${sayNothingHappened(invocation)}\n`)
  return 0
}

/** Waits for a daemon that restarts, and then shows what has happened meanwhile too. */
async function follow(client: Client, invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const following = new AbortController()
  const { signal } = following
  io.stdout.once('close', () => {
    following.abort()
  })
  const matches = filterOf(invocation)
  // Not compared by time: two entries may have the same one, and a clock may be set back.
  const shown = new Set<string>()
  const show = (item: ActivityItem, width = APP_WIDTH) => {
    const key = itemKey(item)
    if (shown.has(key)) return
    shown.add(key)
    const [oldest] = shown
    if (shown.size > REMEMBERED_ITEMS_MAX && oldest !== undefined) shown.delete(oldest)
    io.stdout.write(flag('json') ? `${JSON.stringify(item)}\n` : activityLine(item, width))
  }
  let wasReached = false
  for (;;) {
    const attempt = new AbortController()
    try {
      const either = AbortSignal.any([signal, attempt.signal])
      const events = daemonEvents(client, either, '/v1/events?activity=1')
      // The stream begins before the past is read, so that no entry is missed between the two.
      const first = events.next()
      first.catch(() => undefined)
      const past = await readPast(client, invocation)
      const width = Math.max(1, ...past.map(({ app }) => app?.length ?? 0))
      if (past.length === 0 && !wasReached && !flag('json')) {
        io.stdout.write(`${sayNothingHappened(invocation)}\n`)
      }
      for (const item of past) show(item, wasReached ? APP_WIDTH : width)
      wasReached = true
      for (let next = await first; !next.done; next = await events.next()) {
        const event = next.value
        if (event.kind === 'closed') throw tooManyStreams()
        if (event.kind !== 'activity') continue
        const item = event.data as unknown as ActivityItem
        if (matches(item)) show(item)
      }
    } catch (error) {
      if (!signal.aborted && !(wasReached && isTemporary(error))) throw error
    } finally {
      // The stream is open where reading the past failed.
      attempt.abort()
    }
    if (signal.aborted) return 0
    io.stderr.write('evo-token: The daemon does not answer; waiting for it.\n')
    await waitForDaemon(client, signal)
  }
}

/** The same for an entry of a page and for its event, whose members may be in another order. */
function itemKey(item: ActivityItem): string {
  const { at, app, kind, caller, cause, duration_ms, error, fingerprint } = item
  return JSON.stringify([at, app, kind, caller, cause, duration_ms, error, fingerprint])
}

function sayNothingHappened(invocation: Invocation): string {
  const isAll =
    Object.keys(readFilters(invocation)).length === 0 && sinceOf(invocation) === undefined
  return isAll ? 'Nothing has happened yet.' : 'Nothing of this kind has happened.'
}

/** Oldest first. */
async function readPast(client: Client, invocation: Invocation): Promise<readonly ActivityItem[]> {
  const since = sinceOf(invocation)
  const items: ActivityItem[] = []
  let until: string | null = null
  do {
    const query = new URLSearchParams(readFilters(invocation))
    query.set('limit', String(since === undefined ? ITEMS_SHOWN : ITEMS_PER_READ))
    if (since !== undefined) query.set('since', since)
    if (until !== null) query.set('until', until)
    const page = toActivityPage(await client.ask({ path: `/v1/activity?${query.toString()}` }))
    items.push(...page.items)
    until = since === undefined ? null : page.next
  } while (until !== null)
  return items.reverse()
}

function readFilters({ argument, place, text }: Invocation): Record<string, string> {
  const app = argument('APP')
  const caller = tcpTargetOf(place) ? undefined : text('caller')
  return { ...(app && { app }), ...(caller !== undefined && { caller }) }
}

function filterOf(invocation: Invocation): (item: ActivityItem) => boolean {
  const { app, caller } = readFilters(invocation)
  return (item) =>
    (app === undefined || item.app === app) && (caller === undefined || item.caller === caller)
}

function sinceOf({ command, text }: Invocation): string | undefined {
  const since = text('since')
  if (since === undefined) return undefined
  const at = Date.now() - durationToMs(since)
  if (Number.isNaN(at)) throw usageFault(command, 'needs a duration such as 2d or 3h for --since')
  return new Date(Math.max(0, at)).toISOString()
}
