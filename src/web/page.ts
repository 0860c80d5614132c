/** The page: takes its key, follows the daemon, and draws the state. */
import { html, render } from 'lit/html.js'
import { createActions } from './actions.ts'
import { keepClicksFromIdle, keepFocus } from './focus.ts'
import { createFollower } from './follow.ts'
import { createFrames } from './frames.ts'
import { activityPart } from './parts/activity.ts'
import { appsPart } from './parts/apps.ts'
import { aboutPart, doctorPart } from './parts/daemon.ts'
import { callersPart, timelinePart } from './parts/history.ts'
import { headPart, noticesPart } from './parts/notices.ts'
import { CARDS_AT_ONCE, createState, type State } from './state.ts'
import { prepareTimes } from './times.ts'
import { takeKey, Wire } from './wire.ts'
import { leaveWorkers } from './workers.ts'

const PAGE_TICK_MS = 1_000

type DrawPlot = (state: State, now: number) => Generator<undefined>

interface Plots {
  readonly drawTimeline: DrawPlot
  readonly drawHeatMap: DrawPlot
}

const key = takeKey()
const state = createState()
const wire = new Wire(key ?? '')
const root = document.getElementById('page')
const frames = createFrames({
  inNextFrame: (draw) => requestAnimationFrame(draw),
  now: () => performance.now(),
})
const follower = createFollower({ state, wire, draw: drawAll })
const actions = createActions({
  state,
  wire,
  draw: drawPageSoon,
  drawAll,
  readHours: () => follower.readHours(),
  onClose: () => {
    follower.stop()
  },
})
let plots: Plots | undefined
let arePlotsOld = false

function drawPageSoon(): void {
  frames.ask('page', drawPage)
}

/** The page and its plots. */
function drawAll(): void {
  arePlotsOld = true
  drawPageSoon()
}

/** Draws after the page, which has the elements of the plots. */
function drawPlotsSoon({ drawTimeline, drawHeatMap }: Plots): void {
  arePlotsOld = false
  frames.ask('timeline', () => drawTimeline(state, Date.now()))
  frames.ask('heat-map', () => drawHeatMap(state, Date.now()))
}

/** Imports the plots later: they are in the same bundle, but uPlot's preparations take most of a frame. */
async function loadPlots(): Promise<void> {
  const [{ drawTimeline }, { drawHeatMap }] = await Promise.all([
    import('./plots/timeline.ts'),
    import('./plots/heat-map.ts'),
  ])
  plots = { drawTimeline, drawHeatMap }
  drawAll()
}

function drawPage(): undefined {
  if (!root) return
  const now = Date.now()
  const page = html`${headPart(state, actions)}
    <main>
      ${noticesPart(state)}${appsPart(state, actions, now)} ${timelinePart(state, actions, now)}
      ${callersPart(state, now)}
      <div class="columns">
        ${activityPart(state, actions)}
        <div>${doctorPart(state, actions)} ${aboutPart(state, now)}</div>
      </div>
    </main>`
  keepFocus(() => {
    render(page, root)
  })
  if (arePlotsOld && plots) drawPlotsSoon(plots)
  if (state.drawnCards >= state.apps.size) return
  state.drawnCards += CARDS_AT_ONCE
  drawPageSoon()
}

async function start(): Promise<void> {
  if (key === undefined) {
    state.connection = 'ended'
  } else if (await leaveWorkers()) {
    await follower.follow()
  } else {
    state.connection = 'intercepted'
    drawAll()
  }
}

if (root) keepClicksFromIdle(root)
void start()
setInterval(drawPageSoon, PAGE_TICK_MS)
let drawnWidth = 0
// Only the width matters to plots; the height changes with every list.
new ResizeObserver(([root]) => {
  if (root?.contentRect.width === drawnWidth) return
  drawnWidth = root?.contentRect.width ?? 0
  drawAll()
}).observe(document.documentElement)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll)
// One frame for each, after the one that ran this script, while the daemon answers.
requestAnimationFrame(() => {
  drawAll()
  frames.ask('times', () => {
    prepareTimes()
    return undefined
  })
  frames.ask('plots', () => {
    void loadPlots()
    return undefined
  })
})
