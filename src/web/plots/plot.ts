/** A plot of rows over time, drawn by uPlot on a canvas. The content of the rows is given as boxes. */
import uPlot from 'uplot'
import { formatClockTime, formatDay } from '../times.ts'

const ROW_PX = 26
const AXIS_PX = 28
/** Between a name and the plot, and before it. */
const NAME_GAP_PX = 12
const PLOT_FONT = '12px system-ui, sans-serif'

/** The colours, read once per drawing: reading one makes the browser compute all styles. */
type Palette = Readonly<Record<Colour, string>>

export type Colour = (typeof COLOUR_NAMES)[number]

const COLOUR_NAMES = ['muted', 'line', 'text', 'life', 'good', 'bad', 'asleep', 'heat'] as const

/** From one instant to another, or around one, in epoch milliseconds. */
export interface Box {
  readonly from: number
  /** For a mark: the same. */
  readonly to: number
  /** Its upper edge and its height, in rows. */
  readonly top: number
  readonly height: number
  readonly colour: Colour
  readonly alpha?: number
  /** In pixels: no box is narrower. */
  readonly least: number
  /** In pixels: the space before the next box, where there is room. */
  readonly gap?: number
}

export interface Rows {
  readonly names: readonly string[]
  readonly boxes: readonly Box[]
  /** The data, where a drawing depends on it alone: the same data is not drawn again. */
  readonly basis?: unknown
}

/** In epoch milliseconds. */
export interface TimeSpan {
  readonly from: number
  readonly to: number
}

interface DrawnPlot {
  readonly plot: uPlot
  readonly basis: unknown
  readonly width: number
  readonly text: string
}

const drawnPlots = new Map<string, DrawnPlot>()

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement)
  const entries = COLOUR_NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])
  return Object.fromEntries(entries) as Palette
}

/** Replaces the plot in the element `id`: its rows and colours may have changed. */
export function drawPlot(id: string, { names, boxes, basis }: Rows, { from, to }: TimeSpan): void {
  const palette = readPalette()
  const place = document.getElementById(id)
  const width = place?.clientWidth ?? 0
  const { muted, text } = palette
  const last = drawnPlots.get(id)
  if (last && basis !== undefined && last.basis === basis) {
    if (last.width === width && last.text === text) return
  }
  last?.plot.destroy()
  drawnPlots.delete(id)
  if (!place || width === 0 || names.length === 0) return
  const line = { stroke: palette.line, width: 1 }
  const nameWidth = Math.min(140, Math.round(width * 0.28))
  const plot = new uPlot(
    {
      width,
      height: names.length * ROW_PX + AXIS_PX,
      // Room for half of the last label of the axis.
      padding: [0, 24, 0, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: true, range: [from / 1000, to / 1000] },
        y: { range: [0, names.length] },
      },
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      axes: [
        {
          stroke: muted,
          grid: line,
          ticks: { show: false },
          font: PLOT_FONT,
          size: AXIS_PX,
          space: 70,
          values: (_plot, splits) => timeLabels(splits),
        },
        {
          stroke: text,
          grid: { show: false },
          ticks: { show: false },
          font: PLOT_FONT,
          size: nameWidth,
          splits: () => names.map((_, index) => names.length - index - 0.5),
          values: () => names.map((name) => shortenToWidth(name, nameWidth)),
        },
      ],
      hooks: {
        draw: [
          (plot) => {
            paint(plot, boxes, { palette, rows: names.length, shown: { from, to } })
          },
        ],
      },
    },
    [
      [from / 1000, to / 1000],
      [null, null],
    ],
    place,
  )
  drawnPlots.set(id, { plot, basis, width, text })
}

function paint(
  { ctx, bbox }: uPlot,
  boxes: readonly Box[],
  { palette, rows, shown }: { palette: Palette; rows: number; shown: TimeSpan },
): void {
  const unit = devicePixelRatio
  const rowHeight = bbox.height / rows
  const perMs = bbox.width / (shown.to - shown.from)
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  for (const { from, to, top, height, colour, alpha = 1, least, gap = 0 } of boxes) {
    const width = Math.max((to - from) * perMs, least * unit)
    // A mark is centred on its instant.
    const left = bbox.left + (from - shown.from) * perMs - (from === to ? width / 2 : 0)
    const free = width > 4 * unit ? gap * unit : 0
    ctx.fillStyle = palette[colour]
    ctx.globalAlpha = alpha
    fillBox(ctx, left, bbox.top + top * rowHeight, width - free, height * rowHeight)
  }
  ctx.restore()
}

/** Fills whole pixels: thousands of boxes with soft edges take several times as long, and look worse. */
function fillBox(
  context: CanvasRenderingContext2D,
  ...[left, top, width, height]: readonly [number, number, number, number]
): void {
  const [x, y] = [Math.round(left), Math.round(top)]
  context.fillRect(x, y, Math.round(left + width) - x, Math.round(top + height) - y)
}

/** Labels with the time of day; at midnight with the day. */
function timeLabels(splits: readonly number[]): string[] {
  return splits.map((split) => {
    const instant = new Date(split * 1000).toISOString()
    const isMidnight = new Date(split * 1000).getHours() === 0
    return isMidnight ? formatDay(instant) : formatClockTime(instant)
  })
}

let textRuler: CanvasRenderingContext2D | null = null

/** Shortens a name to the width of its column. */
function shortenToWidth(name: string, width: number): string {
  textRuler ??= document.createElement('canvas').getContext('2d')
  if (!textRuler) return name
  textRuler.font = PLOT_FONT
  const most = width - NAME_GAP_PX
  let shown = name
  for (
    let length = name.length - 1;
    length > 0 && textRuler.measureText(shown).width > most;
    length--
  ) {
    shown = `${name.slice(0, length)}…`
  }
  return shown
}
