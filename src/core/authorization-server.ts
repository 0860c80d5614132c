/** An app's authorization server as the broker sees it, and what comes of requests to it. */
import type { Failure } from './ports.ts'
import type { Grant, Reading, Sealed } from './token.ts'

/** What came of one request to a token endpoint. */
export type GrantOutcome =
  | {
      readonly kind: 'granted'
      readonly grant: Grant
      /** When its request was sent: the answer may have been slow. */
      readonly received: Reading
    }
  /**
   * The response cannot be used, but holds a new refresh token (the old one is spent), which must be
   * stored before anything else is tried.
   */
  | {
      readonly kind: 'salvaged'
      readonly refreshToken: Sealed
      readonly failure: Failure
      /** The response is too long to be kept, and the next one will be too: wait for `retryMax`. */
      readonly tooLong?: true
      /** Whether the server will answer the same until a person changes something. */
      readonly lasting?: true
    }
  /** The server will keep refusing: a person has to sign in again. */
  | { readonly kind: 'rejected'; readonly failure: Failure }
  /** The server refuses the app itself: a person has to correct the registration, the secret or the config. */
  | { readonly kind: 'misconfigured'; readonly failure: Failure }
  /** No usable answer this time. */
  | {
      readonly kind: 'unavailable'
      readonly failure: Failure
      /** Whether the server may have acted on the request without its answer reaching us. */
      readonly answerLost: boolean
      /** From `Retry-After` (RFC 9110 §10.2.3), in milliseconds. */
      readonly retryAfterMs?: number
      /** Status and code of a refusal that we do not know: after several equal ones it is believed. */
      readonly refusal?: string
      /** As in `salvaged`. */
      readonly tooLong?: true
    }

/** A request that spends something (a refresh token, a code), before anything of it has been sent. */
export type PreparedRequest<Outcome = GrantOutcome> =
  /** Endpoint, client authentication and form are settled. */
  | { readonly kind: 'ready'; readonly send: (question?: LastQuestion) => Promise<Outcome> }
  /** There is nothing to send. */
  | { readonly kind: 'settled'; readonly outcome: Outcome }

/**
 * Asked when the connection is established, immediately before the first byte is sent: a failure
 * cancels the request. The write follows in the same turn of the event loop.
 */
export type LastQuestion = () => Promise<Failure | undefined>

/** An authorization request that waits for its response (RFC 6749 §4.1.1, RFC 7636). */
export interface AuthorizationRequest {
  readonly url: string
  readonly state: string
  readonly codeVerifier: Sealed
  readonly redirectUri: string
}

/** A device authorization that waits for a person (RFC 8628 §3.2). */
export interface DeviceAuthorization {
  readonly deviceCode: Sealed
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete?: string
  readonly expiresInMs: number
  readonly intervalMs: number
}

/** What came of one poll of a device authorization (RFC 8628 §3.5). */
export type PollOutcome = GrantOutcome | { readonly kind: 'pending'; readonly slowDown: boolean }

export type ServerResult<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | {
      readonly kind: 'failed'
      readonly failure: Failure
      readonly code: 'misconfigured' | 'unavailable'
    }

/** One app's authorization server. */
export interface AuthorizationServer {
  /** Why `clientSecret` is not what the app has to show: a key in place of a secret, or none of either. Sends nothing. */
  secretFault(clientSecret: Sealed): Failure | undefined
  /** RFC 6749 §6. */
  prepareRefresh(refreshToken: Sealed, clientSecret: Sealed | undefined): Promise<PreparedRequest>
  /** Client credentials (RFC 6749 §4.4). Spends nothing. */
  issue(clientSecret: Sealed | undefined): Promise<GrantOutcome>
  /** Makes an authorization request with PKCE; sends nothing but perhaps a metadata request. */
  authorize(
    redirectUri: string,
    options: { readonly switchUser: boolean },
  ): Promise<ServerResult<AuthorizationRequest>>
  /**
   * Judges the authorization response in `callback` (`state`, `iss`, `error`), and prepares to redeem
   * its code. A response that is refused is `rejected`, with the server's words.
   */
  prepareRedemption(
    request: AuthorizationRequest,
    callback: URL,
    clientSecret: Sealed | undefined,
  ): Promise<PreparedRequest>
  authorizeDevice(clientSecret: Sealed | undefined): Promise<ServerResult<DeviceAuthorization>>
  preparePoll(
    authorization: DeviceAuthorization,
    clientSecret: Sealed | undefined,
  ): Promise<PreparedRequest<PollOutcome>>
  /** RFC 7009. Whether the server confirmed it; false too where it has no revocation endpoint. */
  revoke(
    token: Sealed,
    kind: 'refresh_token' | 'access_token',
    clientSecret: Sealed | undefined,
    question?: LastQuestion,
  ): Promise<boolean>
  /** The next request asks for metadata again, where the last attempt to get them failed. */
  forgetFailures(): void
}
