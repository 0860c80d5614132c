/** What belongs to one app besides its session: config, server, and its turn among the issuer's apps. */
import type { App } from './app.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { Instant, Sealed } from './token.ts'

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

/** The apps by name. */
export function appsOf(registrations: Iterable<Registration>): ReadonlyMap<string, App> {
  return new Map([...registrations].map(({ app }) => [app.name, app]))
}

/** Lets the requests of an issuer's apps that spend a token leave in turn. */
export interface IssuerTurns {
  /** Resolves when the request may be sent: first those that callers wait for, then the token that expires first. */
  take(request: WaitingRequest): Promise<Turn>
  /** For a request that a person waits for: it waits for no turn, but counts as one that is out. */
  takeAtOnce(): Turn
  /** Sends the waiting requests whose turn has come. Called at each heartbeat. */
  beat(): void
}

export interface Turn {
  /** The answer is stored, or there is none. @param answered whether its duration tells how long others will take. */
  end(answered: boolean): void
}

/** What decides when the request of an app may leave. */
export interface WaitingRequest {
  /** How many callers wait for it now. */
  readonly callersWaiting: number
  /** When its token ends; 0 where there is none, infinite for one without an end. */
  readonly endsAt: Instant
}
