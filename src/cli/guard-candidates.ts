/**
 * What in a line of text may be a secret: what has the shape of one, whoever holds it, and
 * everything long enough to be compared, by its hash, with the secrets that the daemon holds.
 */

/** A JWT or a JWE in compact form: a header that is JSON, and at least two parts more (RFC 7515 §3.1). */
const JWT = /\b(eyJ[\w-]{5,})\.[\w-]+\.[\w-]*/g

/** An access key of ours. */
const ACCESS_KEY = /\bevtk_[\w-]{20,}/g

/** A client secret by its name: in code, JSON, YAML, a `.env`, a form, an option. */
const CLIENT_SECRET =
  /client[_-]?secret["'`]?(?:\s*[:=]>?\s*|\s+)(?:(["'`])(.{16,}?)\1|([^\s"'`,;&)\]}]{16,}))/gi

/** What people write where a secret is to be put, and the names of variables that hold one. */
const PLACEHOLDER =
  /secret|env\b|config|option|example|placeholder|change.?me|your[-_ ]|x{4}|\*{3}|\.{3}|[$<>{}()[\]]/i

/** Nobody issues shorter secrets, and shorter words are everywhere. */
const SHORTEST = 16

/** A refresh token may be a JWE of some KiB; minified code is longer. */
const LONGEST = 16 * 1024

/** The characters of a bearer token (RFC 6750 §2.1), and `%` for those of a URL. */
const RUN = /[\w.~+/=%-]{16,}/g

/** A secret with other characters stands in quotes, or alone behind `=` or `:`. */
const QUOTED = /(["'`])((?:(?!\1).){16,})\1/g
const ASSIGNED = /[=:]\s*(\S{16,})\s*$/

export type Shape = 'a JWT' | 'an access key' | 'a client secret'

/** The shapes of secrets that stand in `line`. */
export function shapesIn(line: string): Shape[] {
  const jwt = [...line.matchAll(JWT)].some(([, header = '']) => isJwtHeader(header))
  return [
    ...(jwt ? (['a JWT'] as const) : []),
    ...(new RegExp(ACCESS_KEY).test(line) ? (['an access key'] as const) : []),
    ...(namesClientSecret(line) ? (['a client secret'] as const) : []),
  ]
}

/** Everything in `line` that may be the whole of a secret. */
export function candidatesIn(line: string): Set<string> {
  const found = new Set<string>()
  const add = (text: string) => {
    if (text.length >= SHORTEST && text.length <= LONGEST) found.add(text)
  }
  for (const [run] of line.matchAll(RUN)) {
    for (const part of partsOf(run)) {
      add(part)
      if (part.includes('%')) add(decoded(part))
    }
  }
  for (const [, , text = ''] of line.matchAll(QUOTED)) add(text)
  add(ASSIGNED.exec(line)?.[1] ?? '')
  return found
}

/** A run, and what is left of it without a name before `=`, a full stop behind it, or a path around it. */
function* partsOf(run: string): Generator<string> {
  const values = [run]
  for (let at = run.indexOf('='); at >= 0 && values.length < 5; at = run.indexOf('=', at + 1)) {
    values.push(run.slice(at + 1))
  }
  for (const value of values) {
    yield value
    yield value.replace(/[.=]+$/, '')
    yield* value.split('/')
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Random text: with a digit, and of many letters. */
function namesClientSecret(line: string): boolean {
  return [...line.matchAll(CLIENT_SECRET)].some(([, , quoted, bare = '']) => {
    const value = quoted ?? bare
    const random = /\d/.test(value) && /[a-z]/i.test(value) && new Set(value).size >= 8
    return random && !/\s/.test(value) && !PLACEHOLDER.test(value)
  })
}

function isJwtHeader(text: string): boolean {
  try {
    const header: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return typeof header === 'object' && header !== null && 'alg' in header
  } catch {
    return false
  }
}
