/** What we tell about an app: never a token. */
import type { SessionName } from './session.ts'
import type { AppType } from './app.ts'
import type { BusyPort } from './redirect-listener.ts'
import type { PastFailure } from './ports.ts'
import type { Problem } from './problem.ts'
import type { Freshness, Instant, Sealed } from './token.ts'

export interface AppStatus {
  readonly app: string
  readonly type: AppType
  readonly session: SessionName
  readonly freshness: Freshness
  readonly expiresAt: Instant | null
  readonly refreshAt: Instant | null
  readonly refreshedAt: Instant | null
  readonly retryAt: Instant | null
  readonly failures: number
  readonly scope: string | null
  readonly fingerprint: string | null
  readonly lastError: PastFailure | null
  /** What is wrong with the app and what to do, what blocks its token first. */
  readonly problems: readonly Problem[]
  /** When the session ends whatever we do, where that is known; for the owner only. */
  readonly sessionExpiresAt: Instant | null
  /** Whether that is so near that a person should hear of it. */
  readonly sessionExpiresSoon: boolean
  /** Who is signed in; for the owner only. */
  readonly subject: string | null
  /** The name of the keeper that renews the app, where it is shared with other hosts. */
  readonly home: string | null
}

/** A token as a caller gets it. */
export interface ServedToken {
  readonly accessToken: Sealed
  /** Null for a token that does not end. */
  readonly expiresAt: Instant | null
  /** Whole seconds still left; null for a token that does not end. */
  readonly expiresInS: number | null
  readonly scope: string | null
  readonly fingerprint: string
}

export interface Readiness {
  readonly ready: boolean
  /** What is wrong, if anything; a problem that does not keep the token from being served leaves `ready` true. */
  readonly reason: string | null
}

/** How a sign-in goes. */
export interface SignInStatus {
  readonly status: 'pending' | 'succeeded' | 'failed'
  readonly error: string | null
  readonly message: string | null
  readonly subject: string | null
  readonly scope: string | null
  readonly expiresAt: Instant | null
}

/** How a sign-in goes, and what is known of the browser meanwhile. */
export interface SignInProgress extends SignInStatus {
  /** Whether a browser has opened the one-time link or come back to the redirect URI. */
  readonly visited: boolean
  /** Whether a browser tried https: where we answer http: only. */
  readonly httpsTried: boolean
}

export type StartedSignIn = { readonly id: string; readonly expiresAt: Instant } & (
  | {
      readonly method: 'browser'
      readonly authorizationUrl: string
      /** Null where no browser is to be opened: the redirect URI is elsewhere, or another user may have its port. */
      readonly openUrl: string | null
      /** Whether the browser can come back to us; if not, the person pastes the address that it ends on. */
      readonly listening: boolean
      /** Why not, where another program has the port of the redirect URI. */
      readonly busy: BusyPort | null
    }
  | {
      readonly method: 'device'
      readonly userCode: string
      readonly verificationUri: string
      readonly verificationUriComplete: string | null
    }
)
