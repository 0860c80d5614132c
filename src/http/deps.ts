/** What the loopback endpoint needs from the rest: the few methods that it calls, and no more. */
import type { Clock, Log } from '../core/ports.ts'
import type { RenewalCounts } from '../core/renewal-counts.ts'
import type {
  AppStatus,
  DaemonProblem,
  Readiness,
  ServedToken,
  SignInStatus,
  StartedSignIn,
} from '../core/status.ts'
import type { Instant } from '../core/token.ts'
import type { Secret } from '../secret.ts'
import type { EventStreams } from './event-streams.ts'

/** A local program that asks us for tokens. */
export interface Caller {
  readonly name: string
  /** The apps that it may use; `*` alone stands for all of them. */
  readonly apps: readonly string[]
}

export interface CallerEntry extends Caller {
  readonly createdAt: Instant
  readonly lastUsedAt: Instant | null
}

/**
 * The message of a `SidecarError` that these methods throw is our own sentence, for every caller.
 * What an authorization server said is in its `ownerWords`, or its `cause`.
 */
export interface TokenBroker {
  /** The configured apps, in the order of the config. */
  appNames(): readonly string[]
  status(app: string): AppStatus
  readiness(app: string): Readiness
  /** Not a promise where the token is at hand: that answer then needs no further turn of the event loop. */
  token(
    app: string,
    ask: { readonly minTtlMs?: number; readonly waitMs: number },
  ): ServedToken | Promise<ServedToken>
  refresh(
    app: string,
    ask: { readonly rejectedSha256?: string; readonly now?: boolean },
  ): Promise<ServedToken>
  logout(app: string): Promise<{ readonly revoked: boolean }>
  /** The secret is a private key where `isPrivateKey` says so. */
  putClientSecret(
    app: string,
    secret: Secret,
    isPrivateKey?: boolean,
  ): Promise<{ readonly proven: boolean }>
  /** Which of these (lower-case hex SHA-256) are secrets that we hold. */
  holds(sha256: readonly string[]): readonly string[]
  /** What came of the app's renewals since the daemon started. */
  renewals(app: string): RenewalCounts
}

export interface SignInService {
  start(
    app: string,
    ask: { readonly method: 'browser' | 'device'; readonly switchUser: boolean },
  ): Promise<StartedSignIn>
  /** How the sign-in goes, as soon as it has ended, and after `waitMs` at the latest. */
  wait(app: string, id: string, waitMs: number): Promise<SignInStatus>
  /** Takes a redirected URL that a person pasted; one that does not fit changes nothing. */
  paste(app: string, id: string, url: string): Promise<SignInStatus>
}

export interface CallerRegistry {
  /** The caller whose access key has this SHA-256. */
  identify(keySha256: Buffer): Caller | undefined
  list(): readonly CallerEntry[]
  add(
    name: string,
    apps: readonly string[],
  ): Promise<{ readonly caller: CallerEntry; readonly accessKey: Secret }>
  remove(name: string): Promise<void>
  /** Proves to `name` that we know its access key; for an unknown name just as convincing to anyone else. */
  proof(name: string, nonce: string): string
  /** Notes that `name` has just shown its key. Called for every request: it must not wait. */
  touched(name: string): void
}

export interface VaultKeyService {
  /** Where the config wants the key to be. */
  configured(): string
  move(to: 'keychain' | 'file'): Promise<void>
  rotate(): Promise<void>
}

export interface Deps {
  /** `listen.host` of the config: one more name of ours, beside localhost, 127.0.0.1 and [::1]. */
  readonly host: string
  /** Of this program. */
  readonly version: string
  readonly broker: TokenBroker
  readonly signIns: SignInService
  readonly callers: CallerRegistry
  readonly streams: EventStreams
  /** What is wrong with the daemon itself. */
  readonly problems: () => readonly DaemonProblem[]
  readonly vaultKey: VaultKeyService
  /** Reads the config again; what it resolves with is the answer. */
  readonly reload: () => Promise<object>
  readonly clock: Clock
  readonly log: Log
}
