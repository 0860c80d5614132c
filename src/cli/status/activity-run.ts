/** Shows what happened, newest last, as in a log; with `--follow` also what comes. */
import { type ActivityItem, toActivityPage } from '../../client/activity.ts'
import { type Client, createClient, tcpTargetOf } from '../../client/connection.ts'
import { toMs } from '../../config/values.ts'
import type { Invocation } from '../command.ts'
import { usageFault } from '../usage.ts'
import { activityLine, activityLines } from './activity-view.ts'
import { daemonEvents } from './events.ts'

const PAGE = 1_000
/** Without `--since`. */
const SHOWN = 50
/** Enough for most names; while following, a longer one moves its line only. */
const APP_WIDTH = 12

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const client = createClient(invocation.place)
  const matches = filterOf(invocation)
  const following = new AbortController()
  io.stdout.once('close', () => {
    following.abort()
  })
  // Before the past is asked for, so that nothing falls between the two.
  const events = flag('follow')
    ? daemonEvents(client, following.signal, '/v1/events?activity=1')
    : undefined
  const first = events?.next()
  const past = await readPast(client, invocation)
  if (flag('json')) {
    if (events) for (const item of past) io.stdout.write(`${JSON.stringify(item)}\n`)
    else io.stdout.write(`${JSON.stringify({ items: [...past].reverse() })}\n`)
  } else {
    io.stdout.write(past.length > 0 ? activityLines(past) : `${nothing(invocation)}\n`)
  }
  if (!events) return 0
  // Not by instants: two entries may have the same one, and a clock may be set back.
  const shown = new Set(past.map(keyOf))
  try {
    for (let next = await first; next && !next.done; next = await events.next()) {
      const event = next.value
      if (event.kind !== 'activity') continue
      const item = event.data as unknown as ActivityItem
      if (shown.has(keyOf(item)) || !matches(item)) continue
      io.stdout.write(flag('json') ? `${JSON.stringify(item)}\n` : activityLine(item, APP_WIDTH))
    }
  } catch (error) {
    if (!following.signal.aborted) throw error
  }
  return 0
}

/** The same for an entry of a page and for its event. */
function keyOf(item: ActivityItem): string {
  const { at, app, kind, caller, cause, duration_ms, error, fingerprint } = item
  return JSON.stringify([at, app, kind, caller, cause, duration_ms, error, fingerprint])
}

function nothing(invocation: Invocation): string {
  const isAll = Object.keys(filters(invocation)).length === 0 && sinceOf(invocation) === undefined
  return isAll ? 'Nothing has happened yet.' : 'Nothing of this kind has happened.'
}

/** Oldest first. */
async function readPast(client: Client, invocation: Invocation): Promise<readonly ActivityItem[]> {
  const since = sinceOf(invocation)
  const items: ActivityItem[] = []
  let until: string | null = null
  do {
    const query = new URLSearchParams(filters(invocation))
    query.set('limit', String(since === undefined ? SHOWN : PAGE))
    if (since !== undefined) query.set('since', since)
    if (until !== null) query.set('until', until)
    const page = toActivityPage(await client.ask({ path: `/v1/activity?${query.toString()}` }))
    items.push(...page.items)
    until = since === undefined ? null : page.next
  } while (until !== null)
  return items.reverse()
}

function filters({ argument, place, text }: Invocation): Record<string, string> {
  const app = argument('APP')
  const caller = tcpTargetOf(place) ? undefined : text('caller')
  return { ...(app && { app }), ...(caller !== undefined && { caller }) }
}

function filterOf(invocation: Invocation): (item: ActivityItem) => boolean {
  const { app, caller } = filters(invocation)
  return (item) =>
    (app === undefined || item.app === app) && (caller === undefined || item.caller === caller)
}

function sinceOf({ command, text }: Invocation): string | undefined {
  const since = text('since')
  if (since === undefined) return undefined
  const at = Date.now() - toMs(since)
  if (Number.isNaN(at)) throw usageFault(command, 'needs a duration such as 2d or 3h for --since')
  return new Date(Math.max(0, at)).toISOString()
}
