/**
 * Turns errors into `application/problem+json` (RFC 9457): in full where a caller or a person can act on them;
 * of a bug only that it happened.
 */
import { STATUS_CODES } from 'node:http'
import { ERROR_CODES } from '../core/error-codes.ts'
import { type ErrorCode, SidecarError } from '../errors.ts'
import { toAnswer, type Answer } from './answers.ts'

/** Every code that a problem may have. */
export const PROBLEM_CODES = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]

export const PROBLEM_TYPE = 'application/problem+json'

/** The default for `unavailable`: the heartbeat looks at each app this often. */
const RETRY_AFTER_S = 5

/** @param isOwners whether the owner reads it. */
export function toProblemAnswer(error: SidecarError, isOwners: boolean): Answer {
  const { code, status } = error
  const { message, hint } = (isOwners ? error.ownerWords : undefined) ?? error
  const document = {
    type: `urn:evo-token:problem:${code}`,
    title: ERROR_CODES[code].title,
    status,
    detail: code === 'internal' ? 'The log of the daemon says what happened.' : message,
    error: code,
    hint,
  }
  return toAnswer(status, PROBLEM_TYPE, JSON.stringify(document))
}

/** The header fields that belong to the problem. */
export function headersOf({ code, retryAfterMs, status }: SidecarError): Record<string, string> {
  if (code === 'invalid_key') return { 'WWW-Authenticate': 'Bearer' }
  if (status === 503 && retryAfterMs !== undefined) {
    return { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }
  }
  return code === 'unavailable' ? { 'Retry-After': String(RETRY_AFTER_S) } : {}
}

/** The error that the sender of the request should see; undefined for a bug. */
export function toSidecarError(thrown: unknown): SidecarError | undefined {
  if (thrown instanceof SidecarError) return thrown
  // The router throws it for a path whose percent-encoding is not UTF-8.
  if (thrown instanceof URIError) {
    return new SidecarError('invalid_request', 'The percent-encoding of the path is not valid.')
  }
  return undefined
}

/** The complete HTTP response to bytes that are no request, for a listener to write to its socket. */
export function answerToMalformed(error: Error & { readonly code?: string }): string {
  const { status, headers, body } = toProblemAnswer(toMalformedError(error.code), false)
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n')
}

function toMalformedError(code: string | undefined): SidecarError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new SidecarError('too_large', 'The header of the request is over 16 KiB.')
  }
  const message =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'The request did not arrive in time.'
      : 'This is not an HTTP request.'
  return new SidecarError('invalid_request', message)
}
