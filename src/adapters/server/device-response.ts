/** Device authorization responses (RFC 8628 §3.2), without the oddities of servers. */
import type { DeviceAuthorizationResponse } from 'openid-client'
import { isEndpoint } from '../../config/values.ts'
import type { DeviceAuthorization } from '../../core/authorization-server.ts'
import { Secret } from '../../secret.ts'
import { positiveNumber } from './token-response.ts'
import { toReadable } from './server-words.ts'

/** Where the server does not say (RFC 8628 §3.2). */
const DEFAULT_INTERVAL_S = 5

/** `expires_in` is REQUIRED, but some servers leave it out; long enough for a person with another device. */
const DEFAULT_LIFETIME_S = 600

/** The members that we use, in a form that a person can open and type: a bad address counts as absent. */
export function tidyDeviceResponse(
  body: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { device_code, verification_uri_complete } = body
  // Some servers use the name of an early draft of the RFC.
  const verificationUri = body.verification_uri ?? body.verification_url
  return {
    device_code,
    user_code: toReadable(body.user_code),
    ...(isAddress(verificationUri) && { verification_uri: verificationUri }),
    ...(isAddress(verification_uri_complete) && { verification_uri_complete }),
    expires_in: positiveNumber(body.expires_in) ?? DEFAULT_LIFETIME_S,
    interval: positiveNumber(body.interval) ?? DEFAULT_INTERVAL_S,
  }
}

export function toDeviceAuthorization(response: DeviceAuthorizationResponse): DeviceAuthorization {
  const { verification_uri_complete: complete, interval = DEFAULT_INTERVAL_S } = response
  return {
    deviceCode: new Secret(response.device_code),
    userCode: response.user_code,
    verificationUri: response.verification_uri,
    ...(complete !== undefined && { verificationUriComplete: complete }),
    expiresInMs: response.expires_in * 1000,
    intervalMs: interval * 1000,
  }
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && isEndpoint(value)
}
