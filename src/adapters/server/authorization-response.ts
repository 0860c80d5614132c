/**
 * Checks an authorization response (RFC 6749 §4.1.2, RFC 9207) before its code is sent anywhere. Codes
 * of ours: `invalid_state`, `invalid_issuer`, `invalid_response`.
 */
import type { Failure } from '../../core/ports.ts'
import { errorCode, toReadableWords } from './server-words.ts'

export interface ExpectedResponse {
  readonly state: string
  readonly issuer: string
  /** Whether the response has to say who sent it. */
  readonly issuerRequired: boolean
}

/** Why `response` is refused; undefined where its code may be redeemed. */
export function refuseResponse(
  response: URLSearchParams,
  expected: ExpectedResponse,
): Failure | undefined {
  for (const name of new Set(response.keys())) {
    if (response.getAll(name).length > 1) {
      return {
        code: 'invalid_response',
        message: `The response says "${toReadableWords(name) ?? ''}" more than once.`,
      }
    }
  }
  if (response.get('state') !== expected.state) {
    return { code: 'invalid_state', message: 'The response belongs to another sign-in.' }
  }
  const issuer = response.get('iss')
  if (issuer === null ? expected.issuerRequired : issuer !== expected.issuer) {
    const sender = toReadableWords(issuer)
    return {
      code: 'invalid_issuer',
      message: sender
        ? `The response comes from ${sender}, not from ${expected.issuer}.`
        : `The response does not say that it comes from ${expected.issuer}.`,
    }
  }
  const error = response.get('error')
  if (error !== null) {
    const code = errorCode(error) ?? 'invalid_response'
    return {
      code: code,
      message:
        toReadableWords(response.get('error_description')) ??
        `${expected.issuer} ended the sign-in with ${code}.`,
    }
  }
  // `response` belongs to a response mode that we never ask for (JARM): openid-client would not read it either.
  if (!response.get('code') || response.has('response')) {
    return { code: 'invalid_response', message: 'The response holds no authorization code.' }
  }
  return undefined
}
