/** The page: takes its key, follows the daemon, and draws what it knows. */
import { html, render } from 'lit/html.js'
import { createActions } from './actions.ts'
import { activityPart } from './parts/activity.ts'
import { appsPart } from './parts/apps.ts'
import { aboutPart, doctorPart } from './parts/daemon.ts'
import { callersPart, timelinePart } from './parts/history.ts'
import { headPart, noticesPart } from './parts/notices.ts'
import { createFrames } from './frames.ts'
import { drawHeatMap, drawTimeline } from './plots.ts'
import { CARDS_AT_ONCE, createState, ITEMS_MAX, RANGES } from './state.ts'
import {
  type About,
  type CallerEntry,
  type DaemonEvent,
  type HourCount,
  type Item,
  Refused,
  takeKey,
  Wire,
} from './wire.ts'
import { leaveWorkers } from './workers.ts'

const TICK_MS = 1_000
const RETRY_MS = 2_000
/** How often what no event tells is read again. */
const SLOW_MS = 60_000
const UNAUTHORIZED = 401
const PAGE = 1_000

const key = takeKey()
const state = createState()
const wire = new Wire(key ?? '')
const root = document.getElementById('page')
const frames = createFrames()

const actions = createActions({
  state,
  wire,
  draw: drawAll,
  readHours,
  onClosed: () => {
    stopped = true
  },
})
let stopped = false
let arePlotsOld = false

function drawPageSoon(): void {
  frames.ask('page', drawPage)
}

/** The page and its plots. */
function drawAll(): void {
  arePlotsOld = true
  drawPageSoon()
}

/** After the page, which holds the boxes that they are drawn into. */
function drawPlotsSoon(): void {
  arePlotsOld = false
  frames.ask('timeline', () => {
    drawTimeline(state, Date.now())
  })
  frames.ask('heat-map', () => {
    drawHeatMap(state, Date.now())
  })
}

function drawPage(): void {
  if (!root) return
  const now = Date.now()
  render(
    html`${headPart(state, actions)}
      <main>
        ${noticesPart(state)}${appsPart(state, actions, now)} ${timelinePart(state, actions)}
        ${callersPart(state, now)}
        <div class="columns">
          ${activityPart(state, actions)}
          <div>${doctorPart(state, actions)} ${aboutPart(state, now)}</div>
        </div>
      </main>`,
    root,
  )
  if (arePlotsOld) drawPlotsSoon()
  if (state.drawnCards >= state.apps.size) return
  state.drawnCards += CARDS_AT_ONCE
  drawPageSoon()
}

function take(event: DaemonEvent): void {
  switch (event.kind) {
    case 'status':
      state.apps.set(event.data.app, event.data)
      break
    case 'removed':
      state.apps.delete(event.data.app)
      break
    case 'activity':
      if (state.items.some(({ at }) => at === event.data.at)) return
      state.items = [event.data, ...state.items].slice(0, ITEMS_MAX)
      break
    case 'stopping':
      state.connection = 'stopping'
      break
  }
  drawAll()
}

async function readItems(): Promise<void> {
  const items: Item[] = []
  let until: string | null = null
  do {
    const query: string = until === null ? '' : `&until=${encodeURIComponent(until)}`
    const page: { items: Item[]; next: string | null } = await wire.get(
      `/v1/activity?limit=${PAGE}${query}`,
    )
    items.push(...page.items)
    until = page.next
  } while (until !== null && items.length < ITEMS_MAX)
  state.items = items
}

async function readHours(): Promise<void> {
  const since = new Date(Date.now() - RANGES[state.range] * 3_600_000).toISOString()
  const counts: HourCount[] = []
  let until: string | null = null
  do {
    const query: string = until === null ? '' : `&until=${encodeURIComponent(until)}`
    const page: { items: HourCount[]; next: string | null } = await wire.get(
      `/v1/activity/hours?sum=apps&limit=10000&since=${encodeURIComponent(since)}${query}`,
    )
    counts.push(...page.items)
    until = page.next
  } while (until !== null)
  state.hours = counts
  drawAll()
}

async function readSlowly(): Promise<void> {
  state.about = await wire.get<About>('/v1/page')
  state.callers = (await wire.get<{ callers: CallerEntry[] }>('/v1/callers')).callers
  await readHours()
}

/** An event or a click may have said so while the stream was read. */
function isStopping(): boolean {
  return state.connection === 'stopping'
}

function isStopped(): boolean {
  return stopped
}

/** Follows the daemon until its key ends or the page is closed; after a break it begins anew. */
async function follow(): Promise<void> {
  while (!isStopped()) {
    try {
      await Promise.all([readItems(), readSlowly()])
      state.apps.clear()
      state.connection = 'live'
      drawAll()
      for await (const event of wire.events('/v1/events?activity=1')) take(event)
      if (!isStopped() && !isStopping()) state.connection = 'lost'
    } catch (error) {
      if (error instanceof Refused && error.status === UNAUTHORIZED) {
        state.connection = isStopped() ? 'closed' : 'ended'
        stopped = true
      } else if (!isStopped() && !isStopping()) {
        state.connection = 'lost'
      }
    }
    drawAll()
    if (!isStopped()) await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

async function start(): Promise<void> {
  if (key === undefined) {
    state.connection = 'ended'
  } else if (await leaveWorkers()) {
    setInterval(() => {
      if (state.connection === 'live') void readSlowly().catch(() => undefined)
    }, SLOW_MS)
    await follow()
  } else {
    state.connection = 'intercepted'
    drawAll()
  }
}

void start()
setInterval(drawPageSoon, TICK_MS)
let drawnWidth = 0
// Its height changes with every list that grows, and no plot with it.
new ResizeObserver(([root]) => {
  if (root?.contentRect.width === drawnWidth) return
  drawnWidth = root?.contentRect.width ?? 0
  drawAll()
}).observe(document.documentElement)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll)
drawAll()
