/** The two plots, drawn by uPlot on canvases: lives of tokens over time, and tokens by caller and hour. */
import uPlot from 'uplot'
import { levelOf } from './parts/activity.ts'
import { ROWS, totalsByCaller } from './parts/history.ts'
import { RANGES, sortedApps, type State } from './state.ts'
import { clockTime, day } from './times.ts'
import type { AppStatus, Item } from './wire.ts'

const HOUR_S = 3_600
const ROW_PX = 26
const AXIS_PX = 28

interface Rows {
  readonly names: readonly string[]
  /** What it shows, where that alone makes a new drawing: the same again is not drawn again. */
  readonly basis?: unknown
  /** Draws the inside of the plot. */
  readonly paint: (plot: uPlot) => void
}

/** Asking for a colour makes the browser settle all styles: they are asked for once in a drawing. */
type Palette = Readonly<Record<(typeof COLOURS)[number], string>>

const COLOURS = ['muted', 'line', 'text', 'life', 'good', 'bad', 'asleep', 'heat'] as const

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement)
  const entries = COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])
  return Object.fromEntries(entries) as Palette
}

export function drawTimeline(state: State, now: number): void {
  const palette = readPalette()
  draw('timeline', timelineRows(state, palette, now), palette, shownSeconds(state, now))
}

export function drawHeatMap(state: State, now: number): void {
  const palette = readPalette()
  draw('heat-map', heatRows(state, palette), palette, shownSeconds(state, now))
}

function shownSeconds({ range }: State, now: number): Shown {
  return { from: now / 1000 - RANGES[range] * HOUR_S, to: now / 1000 }
}

/** In epoch seconds, as uPlot has them. */
interface Shown {
  readonly from: number
  readonly to: number
}

interface Drawn {
  readonly plot: uPlot
  readonly basis: unknown
  readonly width: number
  readonly text: string
}

const drawn = new Map<string, Drawn>()

/** Anew each time: its rows and its colours may be others. */
function draw(
  id: string,
  { names, basis, paint }: Rows,
  palette: Palette,
  { from, to }: Shown,
): void {
  const place = document.getElementById(id)
  const width = place?.clientWidth ?? 0
  const { muted, text } = palette
  const last = drawn.get(id)
  if (last && basis !== undefined && last.basis === basis) {
    if (last.width === width && last.text === text) return
  }
  last?.plot.destroy()
  drawn.delete(id)
  if (!place || width === 0 || names.length === 0) return
  const line = { stroke: palette.line, width: 1 }
  const font = '12px system-ui, sans-serif'
  const nameWidth = Math.min(140, Math.round(width * 0.28))
  const plot = new uPlot(
    {
      width,
      height: names.length * ROW_PX + AXIS_PX,
      // Half of the last label of the axis is to the right of it.
      padding: [0, 24, 0, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { time: true, range: [from, to] }, y: { range: [0, names.length] } },
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      axes: [
        {
          stroke: muted,
          grid: line,
          ticks: { show: false },
          font,
          size: AXIS_PX,
          space: 70,
          values: (_plot, splits) => timeLabels(splits),
        },
        {
          stroke: text,
          grid: { show: false },
          ticks: { show: false },
          font,
          size: nameWidth,
          splits: () => names.map((_, index) => names.length - index - 0.5),
          values: () => names.map((name) => shortened(name, nameWidth)),
        },
      ],
      hooks: { draw: [paint] },
    },
    [
      [from, to],
      [null, null],
    ],
    place,
  )
  drawn.set(id, { plot, basis, width, text })
}

/** Hours, and the day where one begins. */
function timeLabels(splits: readonly number[]): string[] {
  return splits.map((split) => {
    const instant = new Date(split * 1000).toISOString()
    const isMidnight = new Date(split * 1000).getHours() === 0
    return isMidnight ? day(instant) : clockTime(instant)
  })
}

/** About as many characters as have room. */
function shortened(name: string, width: number): string {
  const most = Math.max(4, Math.floor((width - 14) / 6.6))
  return name.length > most ? `${name.slice(0, most - 1)}…` : name
}

/** Where row `index` of `count` is on the canvas, in its own pixels. */
function rowBox(plot: uPlot, index: number, count: number) {
  const { top, height } = plot.bbox
  const rowHeight = height / count
  return { y: top + index * rowHeight, rowHeight }
}

function clipped(plot: uPlot, paint: (context: CanvasRenderingContext2D) => void): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  paint(ctx)
  ctx.restore()
}

function timelineRows(state: State, palette: Palette, now: number): Rows {
  const apps = sortedApps(state)
  const names = (state.showsAllRows ? apps : apps.slice(0, ROWS)).map(({ app }) => app)
  const byApp = new Map<string, Item[]>()
  // Oldest first.
  for (const item of [...state.items].reverse()) {
    if (item.app === null) continue
    const ofApp = byApp.get(item.app)
    if (ofApp) ofApp.push(item)
    else byApp.set(item.app, [item])
  }
  const sleeps = state.items.filter(({ kind }) => kind === 'slept')
  return {
    names,
    paint(plot) {
      clipped(plot, (context) => {
        names.forEach((name, index) => {
          const status = state.apps.get(name)
          const end = status?.expires_at ? Date.parse(status.expires_at) : now
          const lifeMs = status ? lifeOf(status) : Infinity
          const { y, rowHeight } = rowBox(plot, index, names.length)
          paintLives(plot, byApp.get(name) ?? [], {
            y,
            rowHeight,
            lifeMs,
            end: Math.min(end, now),
            palette,
          })
        })
        context.fillStyle = palette.asleep
        for (const { at, duration_ms: ms } of sleeps) {
          const woke = Date.parse(at)
          const [left, right] = [xOf(plot, woke - (ms ?? 0)), xOf(plot, woke)]
          context.fillRect(left, plot.bbox.top, Math.max(1, right - left), plot.bbox.height)
        }
      })
    },
  }
}

interface Row {
  readonly y: number
  readonly rowHeight: number
  /** How long a token of the app lives: no renewal tells. */
  readonly lifeMs: number
  /** When the last token ends, in epoch milliseconds. */
  readonly end: number
  readonly palette: Palette
}

/** Each token from its birth to the next one's, or to the end of the session; marks on top. */
function paintLives(plot: uPlot, items: readonly Item[], row: Row): void {
  const { y, rowHeight, lifeMs, end, palette } = row
  const { ctx } = plot
  const unit = devicePixelRatio
  const births = items.filter(({ kind }) => LIFE_EDGES.has(kind))
  births.forEach((item, index) => {
    if (item.kind === 'session_ended' || item.kind === 'signed_out') return
    const birth = Date.parse(item.at)
    const next = births[index + 1]
    const from = xOf(plot, birth)
    const to = xOf(plot, Math.min(birth + lifeMs, next ? Date.parse(next.at) : end))
    ctx.fillStyle = palette.life
    const gap = to - from > 4 * unit ? unit : 0
    fillBox(ctx, from, y + rowHeight * 0.3, Math.max(unit, to - from - gap), rowHeight * 0.4)
  })
  for (const { kind, at } of items) {
    const level = levelOf(kind)
    if (level === 'plain' && kind !== 'signed_out') continue
    const isBad = level === 'bad'
    ctx.fillStyle = isBad ? palette.bad : palette.good
    const size = (isBad ? 3 : 2) * unit
    const share = isBad ? 0.76 : 0.56
    const left = xOf(plot, Date.parse(at)) - size / 2
    fillBox(ctx, left, y + (rowHeight * (1 - share)) / 2, size, rowHeight * share)
  }
}

/** On whole pixels: thousands of boxes with soft edges take several times as long, and look worse. */
function fillBox(
  context: CanvasRenderingContext2D,
  ...[left, top, width, height]: readonly [number, number, number, number]
): void {
  const [x, y] = [Math.round(left), Math.round(top)]
  context.fillRect(x, y, Math.round(left + width) - x, Math.round(top + height) - y)
}

/** As of the token that there is now. */
function lifeOf({ expires_at: end, refreshed_at: start }: AppStatus): number {
  return end === null || start === null ? Infinity : Date.parse(end) - Date.parse(start)
}

const LIFE_EDGES: ReadonlySet<string> = new Set([
  'renewed',
  'signed_in',
  'session_ended',
  'signed_out',
])

function xOf(plot: uPlot, ms: number): number {
  return plot.valToPos(ms / 1000, 'x', true)
}

/** The callers that took most, each hour the darker the more it took. */
function heatRows(state: State, palette: Palette): Rows {
  const totals = totalsByCaller(state)
  const names = [...totals.keys()]
    .sort((one, other) => (totals.get(other) ?? 0) - (totals.get(one) ?? 0))
    .slice(0, ROWS)
  const indexes = new Map(names.map((name, index) => [name, index]))
  const { hours } = state
  const most = hours.reduce((max, { tokens }) => Math.max(max, tokens), 1)
  return {
    names,
    basis: hours,
    paint(plot) {
      clipped(plot, (context) => {
        context.fillStyle = palette.heat
        for (const { hour, caller, tokens } of hours) {
          const index = indexes.get(caller ?? '')
          if (index === undefined) continue
          const { y, rowHeight } = rowBox(plot, index, names.length)
          const at = Date.parse(hour)
          const left = xOf(plot, at)
          const width = xOf(plot, at + HOUR_S * 1000) - left
          // Callers differ by powers of ten: a line of ten would be nothing beside one of a thousand.
          context.globalAlpha = 0.15 + 0.85 * (Math.log1p(tokens) / Math.log1p(most))
          const gap = width > 4 ? devicePixelRatio : 0
          fillBox(context, left, y + rowHeight * 0.12, Math.max(1, width - gap), rowHeight * 0.76)
        }
      })
    },
  }
}
