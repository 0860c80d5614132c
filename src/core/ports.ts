/**
 * What the broker needs from the world. Each port is implemented once in `adapters/`.
 *
 * Expected failures are values here; a promise that rejects is a bug, or a
 * `SidecarError` that a caller of ours should see as it is.
 */
import type { App, Identity } from './app.ts'
import type { LogFields } from './log-fields.ts'
import type { SessionLife } from './session-end.ts'
import type { Grant, Instant, Reading, Sealed, StoredTokens, UnknownMembers } from './token.ts'
import type { KeySource } from './vault-key-source.ts'

export interface Clock {
  read(): Reading
}

/** The part of pino that we use. */
export interface Log {
  trace(fields: LogFields, message: string): void
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** Why something did not work: a stable code and a sentence, the authorization server's own where it has one. */
export interface Failure {
  /** An OAuth error code, or one of ours (`unavailable`, `answer_lost`, `vault_unwritable`, …). */
  readonly code: string
  readonly message: string
}

/** A failure that `status` still tells of. */
export interface PastFailure extends Failure, UnknownMembers {
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
      /** The answer is too long to be kept, and its successor will be, too: wait for `retryMax`. */
      readonly tooLong?: true
      /** Whether the server will go on answering so until a person changes something. */
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
      /** A refusal that we do not know, as status and code: the same one again and again is the server's word. */
      readonly refusal?: string
      /** As in `salvaged`. */
      readonly tooLong?: true
    }

/** A request that spends something (a refresh token, a code), before anything of it has been sent. */
export type Prepared<Outcome = GrantOutcome> =
  /** Endpoint, client authentication and form are there. */
  | { readonly kind: 'ready'; readonly send: (question?: LastQuestion) => Promise<Outcome> }
  /** There is nothing to send. */
  | { readonly kind: 'settled'; readonly outcome: Outcome }

/**
 * Asked when the connection stands, immediately before the first byte leaves: a failure keeps the
 * request here. The write follows in the same turn of the event loop.
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
  prepareRefresh(refreshToken: Sealed, clientSecret: Sealed | undefined): Promise<Prepared>
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
  ): Promise<Prepared>
  authorizeDevice(clientSecret: Sealed | undefined): Promise<ServerResult<DeviceAuthorization>>
  preparePoll(
    authorization: DeviceAuthorization,
    clientSecret: Sealed | undefined,
  ): Promise<Prepared<PollOutcome>>
  /** RFC 7009. Whether the server confirmed it; false too where it has no revocation endpoint. */
  revoke(
    token: Sealed,
    kind: 'refresh_token' | 'access_token',
    clientSecret: Sealed | undefined,
  ): Promise<boolean>
  /** The next request asks for metadata anew, where the last attempt to get them failed. */
  forgetFailures(): void
}

/**
 * One app as the vault keeps it. A change of the app replaces the record, and copies what it does
 * not change, unknown members among it: those of the record end when the record is deleted.
 */
export interface AppRecord extends SessionLife, UnknownMembers {
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
  /** A newer version wrote what this one cannot read. Nothing was touched, and nothing else is told. */
  readonly newer?: true
}

export type StoreResult =
  | { readonly kind: 'stored' }
  /** A newer version wrote the app's record, or the mark beside it: it is left as it is. */
  | { readonly kind: 'newer' }
  /** The disk refused. Nothing was lost: what was stored before is still there. */
  | { readonly kind: 'unwritable'; readonly failure: Failure }
  /** The record on disk is not the predecessor of this one: another process wrote it. */
  | { readonly kind: 'changed' }

/** The records of an open vault, one for each app. README, "Never lose a session". */
export interface VaultRecords {
  /** All records that fit their app's identity; others are kept aside until the config fits them again. */
  load(apps: readonly VaultEntry[]): Promise<ReadonlyMap<string, LoadedRecord>>
  /**
   * Proves that a successor of `record` can be stored, and marks the attempt: room for twice the
   * record, 64 KiB at least, really written and synced. Does nothing where this generation's
   * reservation is there already.
   */
  reserve(app: string, record: AppRecord): Promise<StoreResult>
  /** Makes `record` durable: written, synced, renamed, directory synced. Ends the reservation. */
  store(app: string, record: AppRecord): Promise<StoreResult>
  /** Ends a reservation whose request was answered with nothing to store. */
  release(app: string): Promise<void>
  /** Deletes the app's record and its reservation. */
  remove(app: string): Promise<StoreResult>
  /** Whether a newer version wrote what `load` would look at. Only looks, so it may be asked at any time. */
  isNewer(entry: VaultEntry): Promise<boolean>
}

/** The key of an open vault. What the records are need not be known for it, nor where the key is for them. */
export interface VaultKeys {
  /**
   * Makes a new vault key and re-encrypts every record with it; survives a kill at any point.
   * The work on each app's files is handed to `inQueue`, so that it never meets a refresh.
   *
   * @throws {SidecarError} `invalid_request` where the key's source cannot be written by us.
   */
  rotate(inQueue: (app: string, work: () => Promise<void>) => Promise<void>): Promise<void>
  /**
   * Moves the vault key to another place and proves it there before the old one is deleted.
   *
   * @throws {SidecarError} `invalid_request`, `unavailable` where the new place does not take it.
   */
  move(to: 'keychain' | 'file'): Promise<void>
  /** Where the key is now. */
  source(): KeySource
  /** The SHA-256 of each vault key, as text. */
  digests(): readonly string[]
}

export interface VaultEntry {
  readonly app: string
  readonly identity: Identity
}

/** Our encrypted files, open. */
export interface Vault {
  readonly records: VaultRecords
  readonly keys: VaultKeys
}

/** A vault that could not be opened: `vault_locked`, with the reason for people. */
export interface LockedVault {
  readonly kind: 'locked'
  readonly failure: Failure
  readonly hint: string
  /** Where the vault says its key is, if that is why it is locked. */
  readonly keySource?: KeySource | undefined
}

export type OpenedVault = ({ readonly kind: 'open' } & Vault) | LockedVault

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
  /** The one-time link was opened, or a response arrived: a browser has found the way. */
  onVisit?(): void
  /** The one-time link was opened a second time: another person or program may have used it. */
  onSecondVisit(): void
  /** A browser tried https: on the port of the redirect URI, which has no certificate. */
  onHttps?(): void
}

export interface RedirectLease {
  /** The one-time link that sends a browser on to the authorization server. */
  readonly openUrl: string
  /** The sign-in is over: the link leads nowhere any more, and a page that was shown is shown again. */
  conclude(): void
  /** Stops listening for this request; the port is closed with the last of them. */
  close(): void
}

/** Whose program has a port: our user's (or root's), another user's, or nothing tells. */
export type PortHolder = 'own' | 'other' | 'unknown'

/** A redirect URI whose port another program has. */
export interface BusyPort {
  readonly port: number
  readonly holder: PortHolder
}

/** Listens on redirect URIs while sign-ins are pending. */
export interface RedirectListener {
  /** `busy`: another program has the port. `remote`: not a loopback address, nothing to listen on. */
  listen(
    request: RedirectRequest,
  ): Promise<
    | { readonly kind: 'listening'; readonly lease: RedirectLease }
    | ({ readonly kind: 'busy' } & BusyPort)
    | { readonly kind: 'remote' }
  >
  /** Serves the one-time link alone, on a free port: for a redirect URI whose port is busy. */
  listenForLink(request: RedirectRequest): Promise<RedirectLease>
  /** The ports of redirect URIs that are open now. */
  ports(): readonly number[]
}

/** Everything about one app that comes from the config and the adapters. */
export interface Registration {
  readonly app: App
  readonly server: AuthorizationServer
  /** A systemd credential; one that the owner stored comes before it. */
  readonly clientSecret?: Sealed
  /** The next instant of the `reissue` line, from the wall clock's now; undefined without one. */
  nextReissue(): Instant | undefined
  /** Runs `work`, a request that spends nothing, when fewer than 8 of the issuer's are under way. */
  limit<T>(work: () => Promise<T>): Promise<T>
  /** When requests that spend a token may leave; all apps of an issuer share it. */
  readonly turns: IssuerTurns
}

/** Lets the requests of an issuer's apps that spend a token leave in turn. */
export interface IssuerTurns {
  /** Resolves when such a request may leave: those that callers wait for first, then the token that ends first. */
  take(request: WaitingRequest): Promise<Turn>
  /** For what a person waits for: it waits for no other, and counts for them. */
  takeAtOnce(): Turn
  /** Lets those leave for whom the time has come. Called at each heartbeat. */
  beat(): void
}

export interface Turn {
  /** The answer is stored, or there is none. `answered`: how long it took says how long others take. */
  end(answered: boolean): void
}

/** What decides when the request of an app may leave. */
export interface WaitingRequest {
  /** How many callers wait for it now. */
  readonly callersWaiting: number
  /** When its token ends; 0 where there is none, infinite for one without an end. */
  readonly endsAt: Instant
}
