/** The heat map: the callers with most tokens; an hour is darker the more tokens it has. */
import { HOUR_MS } from '../../core/durations.ts'
import { callerName, PLOT_ROWS_MAX, totalsByCaller } from '../parts/history.ts'
import { shownTime, type State } from '../state.ts'
import { type Box, drawPlot } from './plot.ts'

/** How many counts are handled between two `yield`s. */
const COUNTS_PER_STEP = 500

/** Draws in pieces. */
export function* drawHeatMap(state: State, now: number): Generator<undefined> {
  const { hours } = state
  const totals = totalsByCaller(state)
  const callers = [...totals.keys()]
    .sort((one, other) => (totals.get(other) ?? 0) - (totals.get(one) ?? 0))
    .slice(0, PLOT_ROWS_MAX)
  const rows = new Map(callers.map((caller, row) => [caller, row]))
  const most = hours.reduce((max, { tokens }) => Math.max(max, tokens), 1)
  const boxes: Box[] = []
  for (const [index, { hour, caller, tokens }] of hours.entries()) {
    if (index % COUNTS_PER_STEP === 0) yield
    const row = rows.get(caller)
    if (row === undefined) continue
    const from = Date.parse(hour)
    const place = { top: row + 0.12, height: 0.76 }
    // Logarithmic, since callers differ by powers of ten.
    const alpha = 0.15 + 0.85 * (Math.log1p(tokens) / Math.log1p(most))
    boxes.push({ from, to: from + HOUR_MS, ...place, colour: 'heat', alpha, least: 1, gap: 1 })
  }
  yield
  drawPlot(
    'heat-map',
    { names: callers.map(callerName), boxes, basis: hours },
    shownTime(state, now),
  )
}
