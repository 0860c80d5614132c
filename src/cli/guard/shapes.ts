/** Finds what has the shape of a secret, whether the daemon holds it or not. */
import { toCharacterClass, stretchesIn } from './stretches.ts'

export type Shape = 'a JWT' | 'an access key' | 'a client secret' | 'a Basic header'

/** An access key of ours. */
const ACCESS_KEY_SHAPE = /evtk_[\w-]{20}/

/** A client secret by its name: in code, JSON, YAML, a `.env`, a form, an option. */
const CLIENT_SECRET_SHAPE =
  /client[_-]?secret["'`]?(?:\s{0,20}[:=]>?\s{0,20}|\s{1,20})(?:(["'`])(.{16,256}?)\1|([^\s"'`,;&)\]}]{16,256}))/gi

/** A client's id and secret in an Authorization header (RFC 6749 §2.3.1). */
const BASIC_CREDENTIALS = /\bbasic\s{1,20}([\w+/-]{20,1024})/gi

/** What people write in place of a secret, and the names of variables that hold one. */
const PLACEHOLDER =
  /secret|env\b|config|option|example|placeholder|change.?me|your[-_ ]|x{4}|\*{3}|\.{3}|[$<>{}()[\]]/i

/** The shapes of secrets in `text`. */
export function shapesIn(text: string): Shape[] {
  return [
    ...(hasJwt(text) ? (['a JWT'] as const) : []),
    ...(ACCESS_KEY_SHAPE.test(text) ? (['an access key'] as const) : []),
    ...(namesClientSecret(text) ? (['a client secret'] as const) : []),
    ...(hasBasicHeader(text) ? (['a Basic header'] as const) : []),
  ]
}

function namesClientSecret(text: string): boolean {
  for (const [, , quoted, bare = ''] of text.matchAll(CLIENT_SECRET_SHAPE)) {
    if (isRandom(quoted ?? bare)) return true
  }
  return false
}

function hasBasicHeader(text: string): boolean {
  for (const [, credentials = ''] of text.matchAll(BASIC_CREDENTIALS)) {
    const both = Buffer.from(credentials, 'base64').toString('latin1')
    const colon = both.indexOf(':')
    if (colon < 0 || !/^[\x20-\x7e]+$/.test(both)) continue
    if (isRandom(both.slice(colon + 1))) return true
  }
  return false
}

/** Whether it looks random: a digit, a letter, and at least 8 different characters. */
function isRandom(value: string): boolean {
  if (value.length < 16 || /\s/.test(value) || PLACEHOLDER.test(value)) return false
  return /\d/.test(value) && /[a-z]/i.test(value) && new Set(value).size >= 8
}

const BASE64URL_CHARACTERS = toCharacterClass(/[\w-]/)

/** The beginning, in base64url, of an object whose first name begins with a letter: `{"a`. */
const JSON_OBJECT_START = 'eyJ'

/** A JWT or a JWE in compact form: a header that is JSON, and at least two parts more (RFC 7515 §3.1). */
function hasJwt(text: string): boolean {
  if (!text.includes(JSON_OBJECT_START)) return false
  let header: string | undefined
  // Where the part after the header would begin.
  let next = 0
  for (const [start, end] of stretchesIn(text, BASE64URL_CHARACTERS, 1)) {
    const dotted = text[end] === '.'
    if (header !== undefined && start === next && dotted && endsInJwtHeader(header)) return true
    header = dotted ? text.slice(start, end) : undefined
    next = end + 1
  }
  return false
}

/** `{"alg":""}` */
const SHORTEST_HEADER = 14

/** Text may precede the header. The longest headers, with certificates, have some KiB. */
function endsInJwtHeader(part: string): boolean {
  const text = part.slice(-16 * 1024)
  let at = text.indexOf(JSON_OBJECT_START)
  for (let tries = 0; at >= 0 && text.length - at >= SHORTEST_HEADER && tries < 5; tries++) {
    if (isJwtHeader(text.slice(at))) return true
    at = text.indexOf(JSON_OBJECT_START, at + 1)
  }
  return false
}

/** Whether it looks like JSON with an algorithm. Parsing is avoided: it throws for other text, which is slow. */
function isJwtHeader(text: string): boolean {
  const header = Buffer.from(text, 'base64url').toString('latin1')
  return header.startsWith('{') && header.endsWith('}') && /"alg"\s*:/.test(header)
}
