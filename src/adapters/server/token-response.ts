/**
 * Token responses (RFC 6749 §5.1) as servers really send them. openid-client rejects an answer for
 * harmless deviations, and its new refresh token with it: `tidy` removes those.
 */
import { decodeJwt, type JWTPayload } from 'jose'
import type { TokenEndpointResponse } from 'openid-client'
import type { App } from '../../core/app.ts'
import { assumedLifetimeMs, type Grant, type Instant, type Subject } from '../../core/token.ts'
import { Secret } from '../../secret.ts'
import { toReadable, withoutSecrets } from './server-words.ts'

type Body = Readonly<Record<string, unknown>>

/** Larger numbers are mistakes, and would overflow a date. */
const LONGEST_LIFETIME_S = 10 * 366 * 24 * 60 * 60

/**
 * The members that we use, each in the form that RFC 6749 gives it, or left out. An `id_token` is left
 * out: we do not use it, and openid-client would reject the answer if it is stale.
 */
export function tidy(body: Body): Record<string, unknown> {
  const { access_token, refresh_token, token_type } = body
  const expiresIn = positiveNumber(body.expires_in)
  const scope = readScope(body.scope)
  return {
    access_token,
    token_type: isBearer(token_type) ? 'bearer' : token_type,
    ...(isFilled(refresh_token) && { refresh_token }),
    ...(expiresIn !== undefined && { expires_in: expiresIn }),
    ...(scope !== undefined && { scope }),
  }
}

/** The refresh token in an answer, which may be unusable otherwise. */
export function refreshTokenIn(body: Body | undefined): Secret | undefined {
  const value = body?.refresh_token
  return isFilled(value) ? new Secret(value) : undefined
}

/** Whether it is an access token by RFC 6749 §A.12: a line break would end the header that callers put it into. */
export function isAccessToken(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text)
}

export const UNPRINTABLE_TOKEN =
  'an access token that holds a character which no access token may have (RFC 6749 §A.12)'

export interface GrantContext {
  /** The body as the server sent it, with the members that openid-client does not know. */
  readonly raw: Body
  readonly receivedAt: Instant
  /** The lifetime that the config states for access tokens that state none. */
  readonly configuredLifetimeMs: App['accessTokenLifetimeMs']
}

export function toGrant(
  response: TokenEndpointResponse,
  { raw, receivedAt, configuredLifetimeMs }: GrantContext,
): Grant {
  const { access_token, refresh_token, expires_in, scope } = response
  const claims = claimsOf(access_token)
  const subject = subjectOf(claims)
  const lifetimeS = expires_in ?? readLifetimeS(claims, receivedAt)
  const refreshTokenLifetimeS =
    positiveNumber(raw.refresh_expires_in) ?? positiveNumber(raw.refresh_token_expires_in)
  return {
    accessToken: new Secret(access_token),
    ...(lifetimeS === undefined
      ? { lifetimeMs: assumedLifetimeMs(configuredLifetimeMs), lifetimeAssumed: true }
      : { lifetimeMs: toLifetimeMs(lifetimeS) }),
    ...(refresh_token !== undefined && { refreshToken: new Secret(refresh_token) }),
    // Every caller sees it.
    ...(scope !== undefined && { scope: withoutSecrets(scope) }),
    ...(subject && { subject }),
    ...(refreshTokenLifetimeS !== undefined && {
      refreshTokenLifetimeMs: toLifetimeMs(refreshTokenLifetimeS),
    }),
  }
}

/** `token_type` is often forgotten, spelt in any case (RFC 6749 §5.1 allows it), or "BearerToken". */
export function isBearer(tokenType: unknown): boolean {
  return !isFilled(tokenType) || /^\s*bearer/i.test(tokenType)
}

function readScope(value: unknown): string | undefined {
  const scopes: readonly unknown[] = Array.isArray(value) ? value : [value]
  const scope = scopes.filter(isFilled).join(' ').trim()
  return scope === '' ? undefined : scope
}

/** Less would be rounded to 0 ms. */
const SHORTEST_S = 0.001

/** A number of seconds above 0, also where it is written as a string. */
export function positiveNumber(value: unknown): number | undefined {
  const number = isFilled(value) && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number >= SHORTEST_S
    ? number
    : undefined
}

/** Undefined for an access token that is not a JWT: its format is between the server and the API. */
function claimsOf(accessToken: string): JWTPayload | undefined {
  try {
    return decodeJwt(accessToken)
  } catch {
    return undefined
  }
}

/** By the server's clock (`exp` less `iat`), not ours, where the token says when it was issued. */
function readLifetimeS(claims: JWTPayload | undefined, receivedAt: Instant): number | undefined {
  const exp = positiveNumber(claims?.exp)
  const iat = positiveNumber(claims?.iat) ?? receivedAt / 1000
  return exp === undefined ? undefined : positiveNumber(exp - iat)
}

function toLifetimeMs(seconds: number): number {
  return Math.round(Math.min(seconds, LONGEST_LIFETIME_S) * 1000)
}

/** Not verified: it is only shown and compared, and allows nothing. */
function subjectOf(claims: JWTPayload | undefined): Subject | undefined {
  if (!claims) return undefined
  const { sub, email, preferred_username, given_name, family_name } = claims
  const id = toReadable(sub)
  if (id === undefined) return undefined
  const fullName = [given_name, family_name].filter(isFilled).join(' ')
  const name = toReadable(email) ?? toReadable(preferred_username) ?? toReadable(fullName)
  return { id, ...(name !== undefined && { name }) }
}

export function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
