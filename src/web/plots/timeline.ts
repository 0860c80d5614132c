/** The time line: tokens as bars, renewals and failures as marks, and times when the machine slept. */
import { levelOf } from '../parts/activity.ts'
import { PLOT_ROWS_MAX } from '../parts/history.ts'
import { shownTime, sortApps, type State } from '../state.ts'
import type { AppStatusAnswer, Item } from '../answers.ts'
import { type Box, drawPlot } from './plot.ts'

/** Draws in pieces, one for each row. */
export function* drawTimeline(state: State, now: number): Generator<undefined> {
  const apps = sortApps(state)
  const names = (state.showsAllRows ? apps : apps.slice(0, PLOT_ROWS_MAX)).map(({ app }) => app)
  const byApp = groupItemsByApp(state.items)
  const shown = shownTime(state, now)
  const boxes: Box[] = []
  for (const [row, name] of names.entries()) {
    yield
    const status = state.apps.get(name)
    const end = status?.expires_at ? Date.parse(status.expires_at) : now
    const lifeMs = status ? lifeOf(status) : Infinity
    const items = byApp.get(name) ?? []
    for (const box of rowBoxes(items, { row, lifeMs, end: Math.min(end, now) })) {
      if (box.to >= shown.from) boxes.push(box)
    }
  }
  for (const { kind, at, duration_ms: ms } of state.items) {
    if (kind !== 'slept') continue
    const woke = Date.parse(at)
    const from = woke - (ms ?? 0)
    boxes.push({ from, to: woke, top: 0, height: names.length, colour: 'asleep', least: 1 })
  }
  yield
  drawPlot('timeline', { names, boxes }, shown)
}

/** The entries of each app, oldest first. */
function groupItemsByApp(items: readonly Item[]): ReadonlyMap<string, readonly Item[]> {
  const byApp = new Map<string, Item[]>()
  for (const item of [...items].reverse()) {
    if (item.app === null) continue
    const ofApp = byApp.get(item.app)
    if (ofApp) ofApp.push(item)
    else byApp.set(item.app, [item])
  }
  return byApp
}

interface TimelineRow {
  readonly row: number
  /** How long a token of the app lives; entries of renewals do not say it. */
  readonly lifeMs: number
  /** When the last token ends, in epoch milliseconds. */
  readonly end: number
}

/** A bar for each token, up to the next one or the end of the session; marks on top. */
function rowBoxes(items: readonly Item[], { row, lifeMs, end }: TimelineRow): readonly Box[] {
  const births = items.filter(({ kind }) => LIFE_EDGES.has(kind))
  const lives = births.flatMap((item, index): Box[] => {
    if (item.kind === 'session_ended' || item.kind === 'signed_out') return []
    const from = Date.parse(item.at)
    const next = births[index + 1]
    const to = Math.min(from + lifeMs, next ? Date.parse(next.at) : end)
    const place = { top: row + 0.3, height: 0.4 }
    return [{ from, to: Math.max(from + 1, to), ...place, colour: 'life', least: 1, gap: 1 }]
  })
  const marks = items.flatMap(({ kind, at }): Box[] => {
    const level = levelOf(kind)
    if (level === 'plain' && kind !== 'signed_out') return []
    const isBad = level === 'bad'
    const height = isBad ? 0.76 : 0.56
    const moment = Date.parse(at)
    const colour = isBad ? 'bad' : 'good'
    const place = { top: row + (1 - height) / 2, height }
    return [{ from: moment, to: moment, ...place, colour, least: isBad ? 3 : 2 }]
  })
  return [...lives, ...marks]
}

/** The life of the current token, in milliseconds. */
function lifeOf({ expires_at: end, refreshed_at: start }: AppStatusAnswer): number {
  return end === null || start === null ? Infinity : Date.parse(end) - Date.parse(start)
}

const LIFE_EDGES: ReadonlySet<string> = new Set([
  'renewed',
  'signed_in',
  'session_ended',
  'signed_out',
])
