/** Makes the words of an authorization server fit to be shown: short, printable, free of our secrets. */
import { liveSecrets } from '../../secret.ts'
import { removePieces } from '../log/secret-pieces.ts'

const LONGEST_TEXT = 300

/** How much of a text is looked at: the rest would be cut in any case. */
const LONGEST_READ = 1200

/** An OAuth error code is made of these (RFC 6749 §5.2); ours is a little narrower. */
const CODE = /^[\w.:/-]{1,64}$/

/** Registered codes ("OAuth Extensions Error" of IANA): they are kept even if a secret looks like one. */
const REGISTERED: ReadonlySet<string> = new Set([
  'access_denied',
  'account_selection_required',
  'authorization_pending',
  'consent_required',
  'expired_token',
  'interaction_required',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'invalid_token',
  'login_required',
  'server_error',
  'slow_down',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'unsupported_token_type',
])

/** Control, format and line-separating characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** Those, and white space. A text may have a million of either: each is looked at once. */
const BLANKS = /[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/** Whatever looks like a JWT, even where it is none of ours, and what only begins like one: that is looked at once, too. */
const JWT = /\beyJ[\w-]+(\.[\w-]+(?:\.[\w-]*)*)?/g

/** Shorter ones occur in ordinary words. */
const SHORTEST_SECRET = 6

/** `value` as one line of at most 300 characters; undefined where nothing is left. */
export function readable(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = printable(withoutSecrets(value)).trim()
  if (text === '') return undefined
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text
}

/**
 * As `readable`, for what a server says of a request: it may repeat a part of what it was sent. (An
 * identity must not be read so: two of them could become one.)
 */
export function readableWords(value: unknown): string | undefined {
  return typeof value === 'string'
    ? readable(removePieces(printable(value.slice(0, LONGEST_READ))))
    : undefined
}

function printable(text: string): string {
  return text.replace(BLANKS, (blanks) => (UNPRINTABLE.test(blanks) ? ' ' : blanks))
}

/** `value` if it can be an OAuth error code. */
export function errorCode(value: unknown): string | undefined {
  if (typeof value !== 'string' || !CODE.test(value)) return undefined
  const shown = REGISTERED.has(value) || removePieces(withoutSecrets(value)) === value
  return shown ? value : undefined
}

/** `text` without any whole secret of ours. */
export function withoutSecrets(text: string): string {
  return liveSecrets()
    .map((secret) => secret.expose())
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[secret]'), text)
    .replace(JWT, (text, rest?: string) => (rest === undefined ? text : '[token]'))
}
