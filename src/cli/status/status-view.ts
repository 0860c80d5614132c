/** Statuses as text for a person: a line per app, or everything about one. */
import { styleText } from 'node:util'
import { type StatusAnswer } from '../../client/status-answer.ts'
import { distanceTo, inLargeUnits } from '../../core/durations.ts'
import { plain } from '../plain.ts'
import { renderTable, tableWidth } from '../table.ts'

const STATE_COLOURS: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  active: 'green',
  retrying: 'yellow',
  misconfigured: 'red',
  'signed-out': 'red',
  fresh: 'green',
  stale: 'yellow',
  expired: 'red',
}

const TABLE_COLUMNS: Readonly<Record<string, (status: StatusAnswer, now: number) => string>> = {
  APP: ({ app }) => app,
  TYPE: ({ type }) => type,
  SESSION: ({ session }) => session,
  TOKEN: ({ freshness }) => freshness,
  'TIME LEFT': timeLeft,
  'NEXT REFRESH': nextRefresh,
  PERSON: ({ subject }) => subject ?? '',
  HOME: ({ home }) => home ?? '',
  PROBLEM: ({ problem }) => problem?.error ?? '',
}

/** The columns that a narrow terminal leaves out, in this order; `status APP` shows them all. */
const DISPENSABLE_COLUMNS = ['TYPE', 'NEXT REFRESH', 'TOKEN', 'HOME', 'TIME LEFT']

/** The narrowest column of persons, in characters. */
const PERSON_LEAST = 8

/** `now` in epoch milliseconds; `width` in characters. */
export function statusTable(
  statuses: readonly StatusAnswer[],
  now: number,
  colour: boolean,
  width = Infinity,
): string {
  if (statuses.length === 0) return 'No app is configured.\n'
  const rows = (head: readonly string[], personMost = Infinity) =>
    statuses.map((one) =>
      head.map((title) => {
        const cell = plain(TABLE_COLUMNS[title]?.(one, now) ?? '')
        return title === 'PERSON' ? cutToLength(cell, personMost) : cell
      }),
    )
  // Only the owner is told who is signed in.
  let head = Object.keys(TABLE_COLUMNS).filter(
    (title) =>
      (title !== 'PERSON' || statuses.some(({ subject }) => subject)) &&
      (title !== 'HOME' || statuses.some(({ home }) => home)),
  )
  let personMost = Infinity
  if (width < Infinity) {
    for (const title of DISPENSABLE_COLUMNS) {
      if (tableWidth(head, rows(head, PERSON_LEAST)) <= width) break
      head = head.filter((one) => one !== title)
    }
    const left = width - tableWidth(head, rows(head, PERSON_LEAST)) + PERSON_LEAST
    personMost = Math.max(left, PERSON_LEAST)
  }
  return renderTable(head, rows(head, personMost), (cell) => {
    const format = colour ? STATE_COLOURS[cell.trim()] : undefined
    return format ? styleText(format, cell, { validateStream: false }) : cell
  })
}

function cutToLength(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

/** One change as one line, for output that is no terminal. */
export function statusLine(status: StatusAnswer, now: number): string {
  const cells = statusCells(status, now).map(plain)
  return `${new Date(now).toISOString().slice(0, 19)}Z ${cells.join('  ').trimEnd()}\n`
}

export function statusFields(status: StatusAnswer, now: number): string {
  const fields: readonly (readonly [string, string | null | undefined])[] = [
    ['app', status.app],
    ['type', status.type],
    ['session', status.session],
    ['signed in as', status.subject],
    ['home', status.home],
    ['scopes', status.scope],
    ['token', status.freshness],
    ['fingerprint', status.fingerprint],
    ['expires', doesNotEnd(status) ? 'never' : withDistance(status.expires_at, now)],
    ['session ends', withDistance(status.session_expires_at ?? null, now)],
    ['last refresh', withDistance(status.refreshed_at, now)],
    ['next refresh', withDistance(status.refresh_at, now)],
    ['next attempt', withDistance(status.retry_at, now)],
    ['failures', status.failures > 0 ? String(status.failures) : undefined],
    ['problem', problemText(status)],
    ['what to do', status.problem?.hint],
  ]
  return fields
    .flatMap(([name, value]) => (value ? [`${`${name}:`.padEnd(14)} ${plain(value)}\n`] : []))
    .join('')
}

function statusCells(status: StatusAnswer, now: number): string[] {
  const columns = Object.keys(TABLE_COLUMNS).filter(
    (title) => (title !== 'PERSON' || status.subject) && (title !== 'HOME' || status.home),
  )
  return columns.map((title) => TABLE_COLUMNS[title]?.(status, now) ?? '')
}

function nextRefresh(
  { retry_at: retryAt, refresh_at: refreshAt }: StatusAnswer,
  now: number,
): string {
  const next = retryAt ?? refreshAt
  return next === null ? '-' : distanceTo(next, now)
}

function problemText({ problem, last_error: failure }: StatusAnswer): string | undefined {
  if (!problem) return undefined
  const since = failure ? ` (${failure.at})` : ''
  return `${problem.error}${since}: ${problem.message}`
}

function timeLeft(status: StatusAnswer, now: number): string {
  if (doesNotEnd(status)) return 'no end'
  if (status.expires_at === null) return '-'
  const left = Date.parse(status.expires_at) - now
  return left > 0 ? inLargeUnits(left) : 'over'
}

/** Whether there is a token, and it has no end. */
function doesNotEnd({ freshness, expires_at: expiresAt }: StatusAnswer): boolean {
  return expiresAt === null && freshness !== 'none'
}

function withDistance(instant: string | null, now: number): string | undefined {
  return instant === null ? undefined : `${instant} (${distanceTo(instant, now)})`
}
