/** What the HTTP interface needs from the rest of the daemon: only the methods that it calls. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Activity, NewActivity, TokenCount } from '../core/activity.ts'
import type { DaemonProblem } from '../core/daemon-problem.ts'
import type { Clock, Log } from '../core/ports.ts'
import type { RenewalCounts } from '../core/renewal-counts.ts'
import type {
  AppStatus,
  Readiness,
  ServedToken,
  SignInProgress,
  SignInStatus,
  StartedSignIn,
} from '../core/status.ts'
import type { Instant, Sealed } from '../core/token.ts'
import type { WritableSource } from '../core/vault-key-source.ts'
import type { Secret } from '../secret.ts'
import type { AppNames, Caller } from './callers.ts'
import type { CallersByKey, Door } from './door.ts'

export interface CallerEntry extends Caller {
  readonly createdAt: Instant
  readonly lastUsedAt: Instant | null
  /** When its key stops working; undefined for never. */
  readonly expiresAt?: Instant
}

/**
 * These methods throw `SidecarError`s whose message every caller may read. What an authorization server
 * said is in `ownerWords` or in `cause`.
 */
export interface TokenBroker extends AppNames {
  status(app: string): AppStatus
  readiness(app: string): Readiness
  /** No promise where a good token is at hand, so that the answer needs no further turn of the event loop. */
  token(
    app: string,
    ask: { readonly minTtlMs?: number; readonly waitMs: number; readonly caller: string },
  ): ServedToken | Promise<ServedToken>
  refresh(
    app: string,
    ask: { readonly rejectedSha256?: string; readonly now?: boolean; readonly caller: string },
  ): Promise<ServedToken>
  logout(app: string): Promise<{ readonly revoked: boolean; readonly published?: boolean }>
  /** The secret is a private key where `isPrivateKey` says so. */
  putClientSecret(
    app: string,
    secret: Secret,
    isPrivateKey?: boolean,
  ): Promise<{ readonly proven: boolean }>
  /** Which of these digests (lower-case hex SHA-256) belong to secrets that we hold. */
  holds(sha256: readonly string[]): readonly string[]
  /** Whether the app is renewed here, rather than by another host. */
  isHome(app: string): boolean
  /** Results of the app's renewals since the daemon started. */
  renewals(app: string): RenewalCounts
}

export interface SignInService {
  start(
    app: string,
    ask: { readonly method: 'browser' | 'device'; readonly switchUser: boolean },
  ): Promise<StartedSignIn>
  /** Resolves with the state of the sign-in when it has ended, and after `waitMs` at the latest. */
  wait(app: string, id: string, waitMs: number): Promise<SignInProgress>
  /** Takes a redirected URL that a person pasted; one that does not fit changes nothing. */
  paste(app: string, id: string, url: string): Promise<SignInStatus>
  /** Ends the sign-in, if it is pending, and closes its port. */
  end(app: string, id: string): void
  /** The ports of redirect URIs on which the daemon listens now. */
  ports(): readonly number[]
}

export interface CallerRegistry extends CallersByKey {
  list(): readonly CallerEntry[]
  add(
    name: string,
    apps: readonly string[],
    expiresAt?: Instant,
  ): Promise<{ readonly caller: CallerEntry; readonly accessKey: Secret }>
  remove(name: string): Promise<void>
  /** Hex HMAC-SHA-256 of `nonce`, keyed with the SHA-256 of the caller's key. For an unknown name it is made with a random key. */
  proof(name: string, nonce: string): string
}

/** The event streams, as far as requests open and end them. */
export interface CallerStreams {
  open(
    caller: Caller,
    door: Door,
    response: ServerResponse,
    ask: { readonly activity: boolean },
  ): void
  /** Ends the streams of `caller` whose key no longer works. */
  endStreamsOf(caller: string): void
}

export interface VaultKeyService {
  /** Where the config wants the key to be. */
  configured(): string
  move(to: WritableSource): Promise<void>
  rotate(): Promise<void>
}

/** Reads and records what happened. */
export interface ActivityService {
  record(happened: NewActivity): void
  countToken(app: string, caller: string): void
  /** Entries, newest first; `next` is the `until` of the next page. */
  items(query: {
    readonly since: Instant
    readonly until: Instant
    readonly limit: number
    readonly matches: (item: Activity) => boolean
  }): Promise<{ readonly items: readonly Activity[]; readonly next: Instant | null }>
  /** Counts of whole hours, newest first. */
  hours(query: {
    readonly since: Instant
    readonly until: Instant
    readonly limit: number
    /** The caller is null, or both are, in counts of a full day that are taken together. */
    readonly matches: (app: string | null, caller: string | null) => boolean
    readonly sumOver?: 'apps' | 'callers'
  }): Promise<{ readonly counts: readonly TokenCount[]; readonly next: Instant | null }>
}

/** Sessions that are shared with other hosts. Without `share` in the config only `status` and `leave` work. */
export interface ShareService {
  status(): object
  move(app: string): Promise<void>
  takeOver(
    keeper: string,
    force: boolean,
  ): Promise<{
    readonly taken: readonly string[]
    readonly left: readonly { readonly app: string; readonly reason: string }[]
  }>
  leave(): Promise<{
    /** The apps whose sessions are this daemon's own now. */
    readonly apps: readonly string[]
    /** Those of which the database may still have a copy, since it did not answer. */
    readonly copiesLeft: readonly string[]
  }>
  readerKeys(
    apps: readonly string[],
    renew: boolean,
  ): Promise<readonly { readonly app: string; readonly number: number; readonly key: Sealed }[]>
}

/** The page that `evo-token web` opens. */
export interface WebService {
  /** Opens the page's door, unless it is open, and makes a link to the page that works once. */
  open(): Promise<{ readonly openUrl: string; readonly expiresAt: Instant }>
}

/** What only the page asks for. */
export interface PageService {
  /** Facts about the daemon, for the page to show. */
  about(): object
  /** Ends the page that sent `request`: its key no longer works. */
  end(request: IncomingMessage): void
  /**
   * Runs `doctor` until it ends or `signal` is aborted; the lines of JSON that it prints.
   *
   * @throws {SidecarError} `unavailable`.
   */
  startDoctor(signal: AbortSignal): Promise<AsyncIterable<string>>
}

export interface Deps {
  /** `listen.host` of the config: one more name of the daemon, besides localhost, 127.0.0.1 and [::1]. */
  readonly host: string
  /** The version of this program. */
  readonly version: string
  /** The directory of this program. */
  readonly program: string
  readonly broker: TokenBroker
  readonly signIns: SignInService
  readonly callers: CallerRegistry
  readonly streams: CallerStreams
  readonly activity: ActivityService
  readonly web: WebService
  /** What is wrong with the daemon itself. */
  readonly problems: () => readonly DaemonProblem[]
  readonly vaultKey: VaultKeyService
  readonly share: ShareService
  /** Reads the config again. Resolves with the body of the answer. */
  readonly reload: () => Promise<object>
  /** Begins to stop the daemon in order, and returns at once. */
  readonly stop: () => void
  /** The apps in the config file, whether the daemon has read it or not; none where it is not valid. */
  readonly appsInConfig: () => Promise<readonly string[]>
  readonly clock: Clock
  readonly log: Log
}
