/** What in a text has the shape of a secret, whether the daemon holds it or not. */
import { kindOf, stretchesIn } from './stretches.ts'

export type Shape = 'a JWT' | 'an access key' | 'a client secret' | 'a Basic header'

/** An access key of ours. */
const ACCESS_KEY = /evtk_[\w-]{20}/

/** A client secret by its name: in code, JSON, YAML, a `.env`, a form, an option. */
const CLIENT_SECRET =
  /client[_-]?secret["'`]?(?:\s{0,20}[:=]>?\s{0,20}|\s{1,20})(?:(["'`])(.{16,256}?)\1|([^\s"'`,;&)\]}]{16,256}))/gi

/** A client's id and secret in an Authorization header (RFC 6749 §2.3.1). */
const BASIC = /\bbasic\s{1,20}([\w+/-]{20,1024})/gi

/** What people write where a secret is to be put, and the names of variables that hold one. */
const PLACEHOLDER =
  /secret|env\b|config|option|example|placeholder|change.?me|your[-_ ]|x{4}|\*{3}|\.{3}|[$<>{}()[\]]/i

/** The shapes of secrets that stand in `text`. */
export function shapesIn(text: string): Shape[] {
  return [
    ...(hasJwt(text) ? (['a JWT'] as const) : []),
    ...(ACCESS_KEY.test(text) ? (['an access key'] as const) : []),
    ...(namesClientSecret(text) ? (['a client secret'] as const) : []),
    ...(hasBasicHeader(text) ? (['a Basic header'] as const) : []),
  ]
}

function namesClientSecret(text: string): boolean {
  for (const [, , quoted, bare = ''] of text.matchAll(CLIENT_SECRET)) {
    if (isRandom(quoted ?? bare)) return true
  }
  return false
}

function hasBasicHeader(text: string): boolean {
  for (const [, credentials = ''] of text.matchAll(BASIC)) {
    const both = Buffer.from(credentials, 'base64').toString('latin1')
    const [, secret = ''] = /^[\x20-\x7e]*?:([\x20-\x7e]+)$/.exec(both) ?? []
    if (isRandom(secret)) return true
  }
  return false
}

/** Random text: with a digit, and of many letters. */
function isRandom(value: string): boolean {
  if (value.length < 16 || /\s/.test(value) || PLACEHOLDER.test(value)) return false
  return /\d/.test(value) && /[a-z]/i.test(value) && new Set(value).size >= 8
}

const BASE64URL = kindOf(/[\w-]/)

/** How every object in base64url begins whose first name is in letters: `{"a`. */
const OBJECT = 'eyJ'

/** A JWT or a JWE in compact form: a header that is JSON, and at least two parts more (RFC 7515 §3.1). */
function hasJwt(text: string): boolean {
  if (!text.includes(OBJECT)) return false
  let header: string | undefined
  // Where the part behind the header would begin.
  let next = 0
  for (const [start, end] of stretchesIn(text, BASE64URL, 1)) {
    const dotted = text[end] === '.'
    if (header !== undefined && start === next && dotted && endsInJwtHeader(header)) return true
    header = dotted ? text.slice(start, end) : undefined
    next = end + 1
  }
  return false
}

/** `{"alg":""}` */
const SHORTEST_HEADER = 14

/** Something may stand in front of it; the longest headers, with certificates, have some KiB. */
function endsInJwtHeader(part: string): boolean {
  const text = part.slice(-16 * 1024)
  let at = text.indexOf(OBJECT)
  for (let tries = 0; at >= 0 && text.length - at >= SHORTEST_HEADER && tries < 5; tries++) {
    if (isJwtHeader(text.slice(at))) return true
    at = text.indexOf(OBJECT, at + 1)
  }
  return false
}

/** JSON with an algorithm, as far as a glance tells: parsing what is none throws, which takes its time. */
function isJwtHeader(text: string): boolean {
  return /^\{.*"alg"\s*:.*\}$/s.test(Buffer.from(text, 'base64url').toString('latin1'))
}
