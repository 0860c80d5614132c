/** How statuses are shown to a person: a line per app, or everything about one. */
import { styleText } from 'node:util'
import { type StatusAnswer } from '../../client/status-answer.ts'
import { plain } from '../plain.ts'
import { table, tableWidth } from '../table.ts'

const COLOURS: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  active: 'green',
  retrying: 'yellow',
  misconfigured: 'red',
  'signed-out': 'red',
  fresh: 'green',
  stale: 'yellow',
  expired: 'red',
}

const COLUMNS: Readonly<Record<string, (status: StatusAnswer, now: number) => string>> = {
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

/** What a narrow terminal goes without, the first first; `status APP` has all of it. */
const DISPENSABLE = ['TYPE', 'NEXT REFRESH', 'TOKEN', 'HOME', 'TIME LEFT']

/** Enough of a name to tell one person from another. */
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
        const cell = plain(COLUMNS[title]?.(one, now) ?? '')
        return title === 'PERSON' ? shortened(cell, personMost) : cell
      }),
    )
  // Only the owner is told who is signed in.
  let head = Object.keys(COLUMNS).filter(
    (title) =>
      (title !== 'PERSON' || statuses.some(({ subject }) => subject)) &&
      (title !== 'HOME' || statuses.some(({ home }) => home)),
  )
  let personMost = Infinity
  if (width < Infinity) {
    for (const title of DISPENSABLE) {
      if (tableWidth(head, rows(head, PERSON_LEAST)) <= width) break
      head = head.filter((one) => one !== title)
    }
    const left = width - tableWidth(head, rows(head, PERSON_LEAST)) + PERSON_LEAST
    personMost = Math.max(left, PERSON_LEAST)
  }
  return table(head, rows(head, personMost), (cell) => {
    const format = colour ? COLOURS[cell.trim()] : undefined
    return format ? styleText(format, cell, { validateStream: false }) : cell
  })
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

/** One change in one line, for where no table can be drawn again and again. */
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
  const columns = Object.keys(COLUMNS).filter(
    (title) => (title !== 'PERSON' || status.subject) && (title !== 'HOME' || status.home),
  )
  return columns.map((title) => COLUMNS[title]?.(status, now) ?? '')
}

function nextRefresh(
  { retry_at: retryAt, refresh_at: refreshAt }: StatusAnswer,
  now: number,
): string {
  const next = retryAt ?? refreshAt
  return next === null ? '-' : distance(next, now)
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
  return left > 0 ? duration(left) : 'over'
}

/** Whether there is a token, and it lives for ever. */
function doesNotEnd({ freshness, expires_at: expiresAt }: StatusAnswer): boolean {
  return expiresAt === null && freshness !== 'none'
}

function withDistance(instant: string | null, now: number): string | undefined {
  return instant === null ? undefined : `${instant} (${distance(instant, now)})`
}

function distance(instant: string, now: number): string {
  const ms = Date.parse(instant) - now
  if (Math.abs(ms) < 1000) return 'now'
  return ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`
}

/** Rounded down, so that it never promises more than there is. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (seconds < 60) return `${seconds} s`
  if (minutes < 60) return `${minutes} min`
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}
