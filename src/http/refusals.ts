/**
 * Logs refused requests: at most ten lines a second for each reason, however many keys a program tries. The next
 * line says how many were left out.
 */
import type { Clock, Log } from '../core/ports.ts'
import type { IncomingMessage } from 'node:http'
import type { ErrorCode } from '../errors.ts'
import { isNameLike } from './fields.ts'
import { requestPath } from './guards.ts'

const WINDOW_MS = 1_000
const LINES_PER_WINDOW = 10

/** Reasons that point to an intruder. Other failures are logged at `debug`. */
const INTRUSION_CODES: ReadonlySet<ErrorCode> = new Set([
  'invalid_key',
  'forbidden',
  'wrong_host',
  'unknown_app',
])

interface Window {
  readonly since: number
  lines: number
  suppressed: number
}

export type RefusalLog = (reason: ErrorCode, fields: object) => void

export function createRefusalLog(log: Log, clock: Clock): RefusalLog {
  const windows = new Map<ErrorCode, Window>()
  return (reason, fields) => {
    if (!INTRUSION_CODES.has(reason)) {
      log.debug({ reason, ...fields }, 'request failed')
      return
    }
    const window = windowAt(windows, reason, clock.read().mono)
    if (window.lines === LINES_PER_WINDOW) {
      window.suppressed += 1
      return
    }
    window.lines += 1
    const { suppressed } = window
    window.suppressed = 0
    log.warn({ reason, ...fields, ...(suppressed > 0 && { suppressed }) }, 'request refused')
  }
}

function windowAt(windows: Map<ErrorCode, Window>, reason: ErrorCode, now: number): Window {
  const current = windows.get(reason)
  if (current && now - current.since < WINDOW_MS) return current
  const opened = { since: now, lines: 0, suppressed: current?.suppressed ?? 0 }
  windows.set(reason, opened)
  return opened
}

/** More than any of our paths has. */
const SEGMENTS_MAX = 8

/** The path for the log, without segments that may be a misplaced secret. */
export function toLoggablePath(request: IncomingMessage): string {
  return requestPath(request)
    .split('/', SEGMENTS_MAX)
    .map((segment) => (segment === '' || isNameLike(segment) ? segment : '…'))
    .join('/')
}
