/**
 * What the broker needs from the world. Each port is implemented once in `adapters/`.
 *
 * Expected failures are values here; a promise that rejects is a bug, or a
 * `SidecarError` that a caller of ours should see as it is.
 */
import type { App, Identity } from './app.ts'
import type { SessionLife } from './foreseen.ts'
import type { Grant, Instant, Reading, Sealed, StoredTokens } from './token.ts'

export interface Clock {
  read(): Reading
}

/** The part of pino that we use. */
export interface Log {
  trace(fields: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Why something did not work: a stable code and a sentence, the authorization server's own where it has one. */
export interface Failure {
  /** An OAuth error code, or one of ours (`unavailable`, `answer_lost`, `vault_unwritable`, …). */
  readonly error: string
  readonly message: string
}

/** A failure that `status` still tells of. */
export interface PastFailure extends Failure {
  readonly at: Instant
}

/** What came of one request to a token endpoint. */
export type GrantOutcome =
  | {
      readonly kind: 'granted'
      readonly grant: Grant
      /** When the answer arrived, at the earliest: it may have waited to be read. */
      readonly received: Reading
    }
  /**
   * The answer is no use as a whole, and yet brought a new refresh token (the old one is spent):
   * that must be stored before anything else is tried.
   */
  | {
      readonly kind: 'salvaged'
      readonly refreshToken: Sealed
      readonly failure: Failure
      /** Whether the server will go on answering so until a person changes something. */
      readonly lasting?: true
    }
  /** The server will keep refusing: a person has to sign in again. */
  | { readonly kind: 'rejected'; readonly failure: Failure }
  /** The server refuses the app itself: somebody has to mend the registration, the secret or the config. */
  | { readonly kind: 'misconfigured'; readonly failure: Failure }
  /** No usable answer this time. */
  | {
      readonly kind: 'unavailable'
      readonly failure: Failure
      /** Whether the server may have acted on the request without its answer reaching us. */
      readonly answerLost: boolean
      /** From `Retry-After` (RFC 9110 §10.2.3), in milliseconds. */
      readonly retryAfterMs?: number
    }

/** What a request that spends something (a refresh token, a code) needs from us. */
export interface Spending {
  readonly clientSecret: Sealed | undefined
  /**
   * Awaited when everything else is ready, immediately before the request leaves. If it rejects,
   * nothing was sent, and the call rejects with the very same error.
   */
  readonly beforeSend: () => Promise<void>
}

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

/** Of one poll of a device authorization (RFC 8628 §3.5). */
export type PollOutcome = GrantOutcome | { readonly kind: 'pending'; readonly slowDown: boolean }

export type Asked<T> =
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
  refresh(refreshToken: Sealed, spending: Spending): Promise<GrantOutcome>
  /** Client credentials (RFC 6749 §4.4). */
  issue(clientSecret: Sealed | undefined): Promise<GrantOutcome>
  /** Makes an authorization request with PKCE; sends nothing but perhaps a metadata request. */
  authorize(
    redirectUri: string,
    options: { readonly switchUser: boolean },
  ): Promise<Asked<AuthorizationRequest>>
  /**
   * Judges the authorization response in `callback` (`state`, `iss`, `error`) and redeems its code.
   * A response that is refused before anything was sent is `rejected`, with the server's words.
   */
  redeem(request: AuthorizationRequest, callback: URL, spending: Spending): Promise<GrantOutcome>
  authorizeDevice(clientSecret: Sealed | undefined): Promise<Asked<DeviceAuthorization>>
  poll(authorization: DeviceAuthorization, spending: Spending): Promise<PollOutcome>
  /** RFC 7009. Whether the server confirmed it; false too where it has no revocation endpoint. */
  revoke(
    token: Sealed,
    kind: 'refresh_token' | 'access_token',
    clientSecret: Sealed | undefined,
  ): Promise<boolean>
}

/** One app as the vault keeps it. */
export interface AppRecord extends SessionLife {
  /** Grows by one with each record stored. */
  readonly generation: number
  readonly identity: Identity
  readonly tokens?: StoredTokens
  /** The scopes that the last sign-in asked for, space-separated. */
  readonly askedScope?: string
  /** Why the session ended, where a person has not signed in since. */
  readonly lost?: PastFailure
  readonly clientSecret?: Sealed
  /** A newer client secret that no grant has proven yet. */
  readonly nextClientSecret?: Sealed
}

export interface LoadedRecord {
  /** Absent where only an attempt was found: the first sign-in of an app that never got its answer. */
  readonly record: AppRecord | undefined
  /** An attempt was marked before a request, and nothing tells that its answer ever came. */
  readonly unanswered: boolean
  /** The app's record was there and could not be read; it was set aside. */
  readonly damaged: boolean
}

export type StoreResult =
  | { readonly kind: 'stored' }
  /** The disk refused. Nothing was lost: what was stored before is still there. */
  | { readonly kind: 'unwritable'; readonly failure: Failure }
  /** The record on disk is not the predecessor of this one: somebody else wrote it. */
  | { readonly kind: 'changed' }

/** Our encrypted files, open. `design.md` section 6 in full; README, "Never lose a session". */
export interface Vault {
  /** All records that fit their app's identity; others are kept aside until the config fits them again. */
  load(apps: readonly VaultEntry[]): Promise<ReadonlyMap<string, LoadedRecord>>
  /**
   * Proves that a successor of `record` can be stored, and marks the attempt: 64 KiB really written
   * and synced. Does nothing where this generation's reservation is there already.
   */
  reserve(app: string, record: AppRecord): Promise<StoreResult>
  /** Makes `record` durable: written, synced, renamed, directory synced. Ends the reservation. */
  store(app: string, record: AppRecord): Promise<StoreResult>
  /** Ends a reservation whose request was answered with nothing to store. */
  release(app: string): Promise<void>
  /** Deletes the app's record and its reservation. */
  remove(app: string): Promise<StoreResult>
  /**
   * Makes a new vault key and re-encrypts every record with it; survives a kill at any point.
   * The work on each app's files is handed to `inQueue`, so that it never meets a refresh.
   *
   * @throws {SidecarError} `invalid_request` where the key's source cannot be written by us.
   */
  rotateKey(inQueue: (app: string, work: () => Promise<void>) => Promise<void>): Promise<void>
  /**
   * Moves the vault key to another place and proves it there before the old one is deleted.
   *
   * @throws {SidecarError} `invalid_request`, `unavailable` where the new place does not take it.
   */
  moveKey(to: 'keychain' | 'file'): Promise<void>
  /** The SHA-256 of each vault key, as text. */
  keyDigests(): readonly string[]
}

export interface VaultEntry {
  readonly app: string
  readonly identity: Identity
}

/** Where the vault could not be opened: `vault_locked`, with the reason for people. */
export type OpenedVault =
  | { readonly kind: 'open'; readonly vault: Vault }
  | { readonly kind: 'locked'; readonly failure: Failure; readonly hint: string }

/** What a browser, or a person with a pasted URL, is told about a sign-in. */
export interface SignInPage {
  readonly ok: boolean
  readonly title: string
  readonly text: string
}

export interface RedirectRequest {
  readonly redirectUri: string
  readonly state: string
  readonly authorizationUrl: string
  /** A response with our `state` arrived. What it answers is shown to the person. */
  onCallback(callback: URL): Promise<SignInPage>
  /** The one-time link was opened a second time: somebody else may have used it. */
  onSecondVisit(): void
}

export interface RedirectLease {
  /** The one-time link that sends a browser on to the authorization server. */
  readonly openUrl: string
  /** Stops listening for this request; the port is closed with the last of them. */
  close(): Promise<void>
}

/** Listens on redirect URIs while sign-ins are pending. */
export interface RedirectListener {
  /** `busy`: the port belongs to another program. `remote`: not a loopback address, nothing to listen on. */
  listen(
    request: RedirectRequest,
  ): Promise<
    | { readonly kind: 'listening'; readonly lease: RedirectLease }
    | { readonly kind: 'busy'; readonly port: number }
    | { readonly kind: 'remote' }
  >
}

/** Everything about one app that comes from the config and the adapters. */
export interface Registration {
  readonly app: App
  readonly server: AuthorizationServer
  /** A systemd credential; one that the owner stored comes before it. */
  readonly clientSecret?: Sealed
  /** The next instant of the `reissue` line, from the wall clock's now; undefined without one. */
  nextReissue(): Instant | undefined
  /** Runs `work` when one of the issuer's 8 places is free. */
  limit<T>(work: () => Promise<T>): Promise<T>
}
