/**
 * The pieces that the schema is made of. Every `error` is a noun phrase that completes "must be …";
 * `faults.ts` makes the message, and shows no value.
 */
import { z } from 'zod'
import { unknownSetting } from './faults.ts'
import * as values from './values.ts'

type Rule = RegExp | ((text: string) => boolean)

export function text(error: string, rule: Rule) {
  const anything = z.string({ error })
  return rule instanceof RegExp ? anything.regex(rule, { error }) : anything.refine(rule, { error })
}

/** Looking for the setting that was meant takes time, and no person reads more messages. */
const EXPLAINED_MAX = 100

/** An object with exactly these settings. `others` explains those that only its siblings have. */
export function settings<Shape extends z.ZodRawShape>(
  error: string,
  shape: Shape,
  others: Readonly<Record<string, string>> = {},
) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, EXPLAINED_MAX)
            .map((key) =>
              Object.hasOwn(others, key) ? others[key] : unknownSetting(key, Object.keys(shape)),
            )
            .join('\n')
        : error,
  })
}

/** The error of a union: `kinds` where the discriminator is wrong, `object` where the value is no object. */
export function notOneOf(kinds: string, object: string) {
  return ({ input }: { readonly input?: unknown }) =>
    input instanceof Object && !Array.isArray(input) ? kinds : object
}

export function duration(min: string, max: string) {
  const error = `a duration with its unit, such as "90s" or "10m", from ${min} to ${max}`
  return text(error, values.DURATION)
    .refine((value) => isWithin(value, min, max), { error })
    .transform(values.toMs)
}

/** In milliseconds, or null for "none". */
export function durationOrNone(min: string, max: string) {
  const error = `a duration with its unit, such as "90s" or "10m", from ${min} to ${max}, or "none"`
  return text(error, values.DURATION_OR_NONE)
    .refine((value) => value === 'none' || isWithin(value, min, max), { error })
    .transform((value) => (value === 'none' ? null : values.toMs(value)))
}

function isWithin(duration: string, min: string, max: string): boolean {
  const inMs = values.toMs(duration)
  return inMs >= values.toMs(min) && inMs <= values.toMs(max)
}

export const list = <Item extends z.ZodType>(error: string, item: Item) =>
  z
    .array(item, { error })
    .refine((items) => new Set(items).size === items.length, {
      error: `${error}, none of them twice`,
    })
    .meta({ uniqueItems: true })

const ISSUER = 'an https: URL without query, fragment or password (http: on loopback only)'
export const issuer = text(ISSUER, values.isIssuer).meta({ format: 'uri' })
const ENDPOINT = 'an https: URL without fragment or password (http: on loopback only)'
export const endpoint = text(ENDPOINT, values.isEndpoint).meta({ format: 'uri' })

const PATH = 'an absolute path, or one that begins with "~/"'
const PLAIN_PATH =
  'a path with its drive and the names of files: on Windows none is "NUL" or "COM1", has a ":" in it, or ends with a dot or a blank'
export const path = text(PATH, values.isFilePath)
  .refine((value) => !values.isFilePath(value) || values.hasNamesOfFiles(value), {
    error: PLAIN_PATH,
  })
  .meta({ pattern: values.FILE_PATH.source })
