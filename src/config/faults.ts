/**
 * What is wrong in a config, in one line per fault: where, what kind of value is there, and what is
 * allowed. Never the value itself: it may be a secret in the wrong place.
 */
import type { z } from 'zod'
import { findNearest } from '../nearest.ts'
import type { Path } from './json-text.ts'
import { plainKey } from './names.ts'
import { looksSecret } from './secrets.ts'

export interface ConfigFault {
  /** As a person writes it: `apps.evo-me.scopes[2]`; empty for the whole file. */
  readonly path: string
  readonly message: string
}

const KEY_SHOWN_MAX_LENGTH = 64

export function showPath(path: Path): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : showKey(String(key))))
    .join('')
    .replace(/^\./, '')
}

function showKey(key: string): string {
  if (looksSecret(key)) return '["(hidden)"]'
  const shown = key.replace(/[^\x20-\x7e]/g, '?').slice(0, KEY_SHOWN_MAX_LENGTH)
  return /^[\w$-]+$/.test(shown) ? `.${shown}` : `["${shown}"]`
}

/** One fault per issue of the schema, and one per unknown key. */
export function toFaults(error: z.ZodError, whole: unknown): ConfigFault[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n')
      return issue.keys.map((key, index) => ({
        path: showPath([...issue.path, key]),
        message: messages[index] ?? 'unknown setting',
      }))
    }
    if (issue.code === 'invalid_key') {
      return { path: showPath(issue.path), message: issue.issues[0]?.message ?? issue.message }
    }
    const value = valueAt(whole, issue.path)
    return { path: showPath(issue.path), message: explainIssue(issue, value) }
  })
}

/** Every message of the schema is a noun phrase: what the value must be. */
function explainIssue(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return `is missing: it must be ${issue.message}`
  const kind = nameJsonKind(value)
  const expected = issue.code === 'invalid_type' ? KIND_WORDS[issue.expected] : kind
  if (expected === kind) return `must be ${issue.message}, not this ${kind}`
  if (kind === 'null') return `must be ${issue.message}, not null`
  return `must be ${issue.message}, not ${kind === 'object' ? 'an' : 'a'} ${kind}`
}

/** The schema library's names of kinds, in the words of this file. */
const KIND_WORDS: Readonly<Record<string, string>> = {
  string: 'string',
  int: 'number',
  number: 'number',
  array: 'list',
  object: 'object',
  record: 'object',
}

function nameJsonKind(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}

function valueAt(whole: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    whole,
  )
}

/** The message about an unknown key: the setting that was probably meant, or all that there are. */
export function unknownSetting(key: string, known: readonly string[]): string {
  // A longer key is not a misspelt setting, and comparing it takes long.
  const found = findNearest(plainKey(key.slice(0, KEY_SHOWN_MAX_LENGTH)), known.map(plainKey))
  const nearest = known.find((name) => plainKey(name) === found)
  if (nearest !== undefined) return `unknown setting: did you mean "${nearest}"?`
  return `unknown setting: known here are ${known.join(', ')}`
}

export function toFault(path: Path, message: string): ConfigFault {
  return { path: showPath(path), message }
}
