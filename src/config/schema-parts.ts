/**
 * The pieces that the schema is made of. Every `error` is a noun phrase that completes "must be …";
 * `faults.ts` makes the message, and shows no value.
 */
import { z } from 'zod'
import { unknownSetting } from './faults.ts'
import * as values from './values.ts'

type Rule = RegExp | ((text: string) => boolean)

export function textSetting(error: string, rule: Rule) {
  const anything = z.string({ error })
  return rule instanceof RegExp ? anything.regex(rule, { error }) : anything.refine(rule, { error })
}

/** Looking for the setting that was meant takes time, and no person reads more messages. */
const EXPLAINED_MAX = 100

/** An object with exactly these settings. `others` explains those that only its siblings have. */
export function settingsObject<Shape extends z.ZodRawShape>(
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

export function durationSetting(min: string, max: string) {
  const error = `a duration with its unit, such as "90s" or "10m", from ${min} to ${max}`
  return textSetting(error, values.DURATION)
    .refine((value) => isWithin(value, min, max), { error })
    .transform(values.durationToMs)
}

/** In milliseconds, or null for "none". */
export function durationOrNone(min: string, max: string) {
  const error = `a duration with its unit, such as "90s" or "10m", from ${min} to ${max}, or "none"`
  return textSetting(error, values.DURATION_OR_NONE)
    .refine((value) => value === 'none' || isWithin(value, min, max), { error })
    .transform((value) => (value === 'none' ? null : values.durationToMs(value)))
}

function isWithin(duration: string, min: string, max: string): boolean {
  const inMs = values.durationToMs(duration)
  return inMs >= values.durationToMs(min) && inMs <= values.durationToMs(max)
}

export const listSetting = <Item extends z.ZodType>(error: string, item: Item) =>
  z
    .array(item, { error })
    .refine((items) => new Set(items).size === items.length, {
      error: `${error}, none of them twice`,
    })
    .meta({ uniqueItems: true })

const ISSUER_EXPECTED = 'an https: URL without query, fragment or password (http: on loopback only)'
export const issuerSetting = textSetting(ISSUER_EXPECTED, values.isIssuer).meta({ format: 'uri' })
const ENDPOINT_EXPECTED = 'an https: URL without fragment or password (http: on loopback only)'
export const endpointSetting = textSetting(ENDPOINT_EXPECTED, values.isEndpoint).meta({
  format: 'uri',
})

const PATH_EXPECTED = 'an absolute path, or one that begins with "~/"'
const PLAIN_PATH =
  'a path with its drive and the names of files: on Windows none is "NUL" or "COM1", has a ":" in it, or ends with a dot or a blank'
export const pathSetting = textSetting(PATH_EXPECTED, values.isFilePath)
  .refine((value) => !values.isFilePath(value) || values.hasNamesOfFiles(value), {
    error: PLAIN_PATH,
  })
  .meta({ pattern: values.FILE_PATH.source })
