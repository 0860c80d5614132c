/** How statuses are shown to a person: a line per app, or everything about one. */
import { styleText } from 'node:util'
import { type AppStatus } from '../../client/app-status.ts'
import { plain } from '../plain.ts'
import { table } from '../table.ts'

const COLOURS: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  active: 'green',
  retrying: 'yellow',
  misconfigured: 'red',
  'signed-out': 'red',
  fresh: 'green',
  stale: 'yellow',
  expired: 'red',
}

const HEAD = ['APP', 'TYPE', 'SESSION', 'TOKEN', 'TIME LEFT', 'NEXT REFRESH', 'PROBLEM']

/** `now` in epoch milliseconds. */
export function statusTable(statuses: readonly AppStatus[], now: number, colour: boolean): string {
  if (statuses.length === 0) return 'No app is configured.\n'
  const rows = statuses.map((one) => statusCells(one, now))
  return table(HEAD, rows, (cell) => {
    const format = colour ? COLOURS[cell.trim()] : undefined
    return format ? styleText(format, cell, { validateStream: false }) : cell
  })
}

/** One change in one line, for where no table can be drawn again and again. */
export function statusLine(status: AppStatus, now: number): string {
  const cells = statusCells(status, now).map(plain)
  return `${new Date(now).toISOString().slice(0, 19)}Z ${cells.join('  ').trimEnd()}\n`
}

export function statusFields(status: AppStatus, now: number): string {
  const fields: readonly (readonly [string, string | null | undefined])[] = [
    ['app', status.app],
    ['type', status.type],
    ['session', status.session],
    ['signed in as', status.subject],
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

function statusCells(status: AppStatus, now: number): string[] {
  const { app, type, session, freshness, problem } = status
  const next = status.retry_at ?? status.refresh_at
  return [
    app,
    type,
    session,
    freshness,
    timeLeft(status, now),
    next === null ? '-' : distance(next, now),
    problem?.error ?? '',
  ]
}

function problemText({ problem, last_error: failure }: AppStatus): string | undefined {
  if (!problem) return undefined
  const since = failure ? ` (${failure.at})` : ''
  return `${problem.error}${since}: ${problem.message}`
}

function timeLeft(status: AppStatus, now: number): string {
  if (doesNotEnd(status)) return 'no end'
  if (status.expires_at === null) return '-'
  const left = Date.parse(status.expires_at) - now
  return left > 0 ? duration(left) : 'over'
}

/** Whether there is a token, and it lives for ever. */
function doesNotEnd({ freshness, expires_at: expiresAt }: AppStatus): boolean {
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
