/** One entry or one count as a line of JSON, and back. A damaged line is skipped. */
import { parseJsonObject } from '../../core/json-object.ts'
import { type Activity, ACTIVITY_KINDS, RENEWAL_CAUSES } from '../../core/activity.ts'
import { NAME_PATTERN } from '../../core/names.ts'
import { LAST_INSTANT } from '../../core/token.ts'

/** Hours of a day. */
export const HOURS = 24

/** More than a machine hands out in an hour; a larger number is damage. */
const TOKENS_MAX = 999_999_999

/** A server's own code may be of any length. */
const TEXT_MAX = 200

export function toItemLine({ at, ...rest }: Activity): string {
  const members = Object.entries(rest)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, TEXT_MAX) : value])
  return `${JSON.stringify({ at, ...Object.fromEntries(members) })}\n`
}

export function parseItemLine(line: string): Activity | undefined {
  const value = parseJsonObject(line)
  const kind = ACTIVITY_KINDS.find((known) => known === value?.kind)
  if (!value || !kind || !isInstant(value.at)) return undefined
  const { app = null, caller = null, durationMs } = value
  if (!isNameOrNone(app) || !isNameOrNone(caller)) return undefined
  return {
    at: value.at,
    app,
    kind,
    caller,
    cause: RENEWAL_CAUSES.find((known) => known === value.cause) ?? null,
    durationMs: isCount(durationMs) ? durationMs : null,
    error: textOrNull(value.error),
    fingerprint: textOrNull(value.fingerprint),
  }
}

/** How many tokens a caller got of an app in each hour of a day (UTC). */
export interface CountsLine {
  /** Null in the remainder that a full day counts for all apps together; the caller is null, too. */
  readonly app: string | null
  readonly caller: string | null
  readonly hours: readonly (readonly [hour: number, tokens: number])[]
}

export function toCountsLine({ app, caller, hours }: CountsLine): string {
  return `${JSON.stringify({ app, caller, hours: Object.fromEntries(hours) })}\n`
}

export function parseCountsLine(line: string): CountsLine | undefined {
  const value = parseJsonObject(line)
  if (!value) return undefined
  const { app = null, caller = null, hours } = value
  if (!isNameOrNone(app) || !isNameOrNone(caller)) return undefined
  if (app === null && caller !== null) return undefined
  if (typeof hours !== 'object' || hours === null) return undefined
  const counted = Object.entries(hours).flatMap(([hour, tokens]): [number, number][] =>
    isHour(hour) && isCount(tokens) && tokens > 0 && tokens <= TOKENS_MAX
      ? [[Number(hour), tokens]]
      : [],
  )
  return { app, caller, hours: counted }
}

function isNameOrNone(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && NAME_PATTERN.test(value))
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

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, TEXT_MAX) : null
}
