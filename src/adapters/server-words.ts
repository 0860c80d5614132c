/** What an authorization server says, made fit to be shown: short, printable, free of our secrets. */
import { liveSecrets } from '../secret.ts'

const LONGEST_TEXT = 300

/** An OAuth error code is made of these (RFC 6749 §5.2); ours is a little narrower. */
const CODE = /^[\w.:/-]{1,64}$/

/** Control, format and line-separating characters, with the white space around them. */
const UNPRINTABLE = /\s*[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+\s*/gu

/** Whatever looks like a JWT, even where it is none of ours. */
const JWT = /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*/g

/** Shorter ones are no secrets, and would tear holes into ordinary words. */
const SHORTEST_SECRET = 6

/**
 * `value` as one line of at most 300 characters; undefined where nothing is left.
 *
 * @param sent what the server was told besides our secrets and has no business repeating.
 */
export function readable(value: unknown, sent = ''): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = [...liveSecrets()]
    .map((secret) => secret.expose())
    .concat(sent)
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[secret]'), value)
    .replace(JWT, '[token]')
    .replace(UNPRINTABLE, ' ')
    .trim()
  if (text === '') return undefined
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text
}

/** `value` if it can be an OAuth error code. */
export function errorCode(value: unknown): string | undefined {
  return typeof value === 'string' && CODE.test(value) ? value : undefined
}
