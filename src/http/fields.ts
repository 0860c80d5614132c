/** Schemas of values that several routes take, each with a message that says what the value has to be. */
import { z } from 'zod'
import { NAME_PATTERN } from '../core/names.ts'

/** RFC 3339 §5.6. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i

const NAME_RULE = `has to match ${NAME_PATTERN.source.slice(1, -1)}`

/** The name of an app or of a caller. */
export const nameField = z.string(NAME_RULE).regex(NAME_PATTERN, NAME_RULE)

/** Whether `text` may be repeated: text that does not look like a name may be a secret in the wrong place. */
export function isNameLike(text: string): boolean {
  return NAME_PATTERN.test(text)
}

/** A hex SHA-256, turned into lower case. */
export const sha256Field = z
  .string('has to be the hex SHA-256 of a secret')
  .regex(/^[0-9a-fA-F]{64}$/, 'has to be the hex SHA-256 of a secret')
  .toLowerCase()

/** A duration in a query, in whole seconds from 0 to `max`. `otherwise` is the default in the description only. */
export function secondsField(max: number, otherwise?: number) {
  const rule = `has to be a whole number of seconds from 0 to ${max}`
  return z
    .string(rule)
    .refine((text) => /^\d{1,10}$/.test(text), rule)
    .meta({ type: 'integer', minimum: 0, maximum: max, default: otherwise })
    .transform(Number)
    .pipe(z.number().max(max, rule))
}

/** A whole number in a query, from `min` to `max`. */
export function wholeNumber(min: number, max: number, otherwise: number) {
  const rule = `has to be a whole number from ${min} to ${max}`
  return z
    .string(rule)
    .refine((text) => /^\d{1,10}$/.test(text), rule)
    .meta({ type: 'integer', minimum: min, maximum: max, default: otherwise })
    .transform(Number)
    .pipe(z.number().min(min, rule).max(max, rule))
    .default(otherwise)
}

const MOMENT_RULE = 'has to be an instant such as 2026-01-01T00:00:00Z'

/** `Date.parse` takes February 30 for March 2, and 24:00 for the next day. */
function isOnCalendar(text: string): boolean {
  const local = `${text.slice(0, 19).toUpperCase()}.000Z`
  const instant = Date.parse(local)
  return (
    !Number.isNaN(instant) &&
    new Date(instant).toISOString() === local &&
    !Number.isNaN(Date.parse(text))
  )
}

/** An instant in a query, in RFC 3339, turned into epoch milliseconds. */
export const momentField = z
  .string(MOMENT_RULE)
  .refine((text) => MOMENT.test(text) && isOnCalendar(text), MOMENT_RULE)
  .meta({ format: 'date-time' })
  .transform((text) => Date.parse(text))

/** For a route without a body: many HTTP clients send `{}` with every POST. */
export const noBody = { schema: z.strictObject({}), required: false } as const
