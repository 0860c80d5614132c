/**
 * Reads the JSON of an answer, even if it is not clean: more text follows, a list is around it, or its
 * end is missing. Its refresh token may still be in it, and exists nowhere else.
 */
import { isJsonObject, type JsonObject, parseJson } from '../../core/json-object.ts'

/** The object in `text`, or the first of several; undefined where none is complete. */
export function jsonObject(text: string): JsonObject | undefined {
  const value = parseJson(text)
  if (value !== undefined) return [value].flat().find(isJsonObject)
  const { end } = scanFirstObject(text)
  if (end === undefined) return undefined
  const first = text.slice(text.indexOf('{'), end)
  const object = parseJson(first) ?? parseJson(escapeControls(first))
  return isJsonObject(object) ? object : undefined
}

/** The refresh token of an object whose end is missing; undefined where the token itself is not complete. */
export function refreshTokenOfPart(text: string): JsonObject | undefined {
  const { refreshToken } = scanFirstObject(text)
  return refreshToken === undefined ? undefined : { refresh_token: refreshToken }
}

interface ScanResult {
  /** Where the object is over. */
  readonly end?: number
  readonly refreshToken?: unknown
}

const BEFORE_OBJECT = /^[\s[]*$/

/** Looks at strings and braces only. Text that does not begin like JSON is skipped: a page stays a page. */
function scanFirstObject(text: string): ScanResult {
  let at = text.indexOf('{')
  if (at === -1 || !BEFORE_OBJECT.test(text.slice(0, at))) return {}
  let depth = 0
  let refreshToken: unknown
  while (at < text.length) {
    const character = text[at]
    if (character === '"') {
      const end = endOfString(text, at)
      if (end === undefined) break
      if (depth === 1 && text.slice(at, end) === '"refresh_token"') {
        refreshToken = stringAfterColon(text, end) ?? refreshToken
      }
      at = end
      continue
    }
    if (character === '{') depth += 1
    if (character === '}') depth -= 1
    at += 1
    if (depth === 0) return { end: at, refreshToken }
  }
  return { refreshToken }
}

/** The position after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number | undefined {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text[before - 1] === '\\') before -= 1
    if ((at - before) % 2 === 0) return at + 1
  }
  return undefined
}

function stringAfterColon(text: string, from: number): unknown {
  const colon = /\s*:\s*(?=")/y
  colon.lastIndex = from
  if (!colon.test(text)) return undefined
  const end = endOfString(text, colon.lastIndex)
  return end === undefined ? undefined : parseJson(text.slice(colon.lastIndex, end))
}

/** `text` with the control characters in its strings escaped: some servers put a message of several lines there as it is. */
function escapeControls(text: string): string {
  let escaped = ''
  let at = 0
  for (let start = text.indexOf('"'); start !== -1; start = text.indexOf('"', at)) {
    const end = endOfString(text, start) ?? text.length
    escaped += text.slice(at, start) + text.slice(start, end).replace(/\p{Cc}/gu, escapeControl)
    at = end
  }
  return escaped + text.slice(at)
}

function escapeControl(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
