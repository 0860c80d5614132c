/** Makes the words of an authorization server fit to be shown: short, printable, free of our secrets. */
import { liveSecrets } from '../../secret.ts'
import { JWT_LIKE, SHORTEST_HIDDEN_SECRET } from '../log/scrub.ts'
import { removePieces } from '../log/secret-pieces.ts'

const WORDS_MAX_LENGTH = 300

/** How much of a text is looked at: the rest would be cut in any case. */
const READ_MAX_LENGTH = 1200

/** An OAuth error code is made of these (RFC 6749 §5.2); ours is a little narrower. */
const ERROR_CODE = /^[\w.:/-]{1,64}$/

/** Registered codes ("OAuth Extensions Error" of IANA): they are kept even if a secret looks like one. */
const REGISTERED_CODES: ReadonlySet<string> = new Set([
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

/** `value` as one line of at most 300 characters; undefined where nothing is left. */
export function toReadable(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = printable(withoutSecrets(value)).trim()
  if (text === '') return undefined
  return text.length > WORDS_MAX_LENGTH ? `${text.slice(0, WORDS_MAX_LENGTH - 1)}…` : text
}

/**
 * As `toReadable`, for what a server says of a request: it may repeat a part of what it was sent. (An
 * identity must not be read so: two of them could become one.)
 */
export function toReadableWords(value: unknown): string | undefined {
  return typeof value === 'string'
    ? toReadable(removePieces(printable(value.slice(0, READ_MAX_LENGTH))))
    : undefined
}

function printable(text: string): string {
  return text.replace(BLANKS, (blanks) => (UNPRINTABLE.test(blanks) ? ' ' : blanks))
}

/** `value` if it can be an OAuth error code. */
export function errorCode(value: unknown): string | undefined {
  if (typeof value !== 'string' || !ERROR_CODE.test(value)) return undefined
  const shown = REGISTERED_CODES.has(value) || removePieces(withoutSecrets(value)) === value
  return shown ? value : undefined
}

/** `text` without any whole secret of ours. */
export function withoutSecrets(text: string): string {
  return liveSecrets()
    .map((secret) => secret.expose())
    .filter((secret) => secret.length >= SHORTEST_HIDDEN_SECRET)
    .reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[secret]'), text)
    .replace(JWT_LIKE, '[token]')
}
