/** One entry or one count as a line of JSON, and back. A line that is damaged counts as none. */
import { type Activity, ACTIVITY_KINDS, CAUSES } from '../../core/activity.ts'

/** Hours of a day. */
export const HOURS = 24

const LAST_INSTANT = Date.UTC(9999, 11, 31)

export function toItemLine({ at, ...rest }: Activity): string {
  const members = Object.entries(rest).filter(([, value]) => value !== null)
  return `${JSON.stringify({ at, ...Object.fromEntries(members) })}\n`
}

export function parseItemLine(line: string): Activity | undefined {
  const value = parseObject(line)
  const kind = ACTIVITY_KINDS.find((known) => known === value?.kind)
  if (!value || !kind || !isInstant(value.at)) return undefined
  const { durationMs } = value
  return {
    at: value.at,
    app: textOrNull(value.app),
    kind,
    caller: textOrNull(value.caller),
    cause: CAUSES.find((known) => known === value.cause) ?? null,
    durationMs: isCount(durationMs) ? durationMs : null,
    error: textOrNull(value.error),
    fingerprint: textOrNull(value.fingerprint),
  }
}

/** How many tokens a caller got of an app in each hour of a day (UTC). */
export interface CountsLine {
  readonly app: string
  readonly caller: string
  readonly hours: readonly (readonly [hour: number, tokens: number])[]
}

export function toCountsLine({ app, caller, hours }: CountsLine): string {
  return `${JSON.stringify({ app, caller, hours: Object.fromEntries(hours) })}\n`
}

export function parseCountsLine(line: string): CountsLine | undefined {
  const value = parseObject(line)
  if (!value) return undefined
  const { app, caller, hours } = value
  if (typeof app !== 'string' || typeof caller !== 'string') return undefined
  if (typeof hours !== 'object' || hours === null) return undefined
  const counted = Object.entries(hours).flatMap(([hour, tokens]): [number, number][] =>
    isHour(hour) && isCount(tokens) && tokens > 0 ? [[Number(hour), tokens]] : [],
  )
  return { app, caller, hours: counted }
}

/** Whether it can be written as RFC 3339, whose years have four digits. */
function isInstant(value: unknown): value is number {
  return isCount(value) && value <= LAST_INSTANT
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isHour(text: string): boolean {
  return /^\d{1,2}$/.test(text) && Number(text) < HOURS
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
