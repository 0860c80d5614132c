/**
 * The life of one app's session, as plain data: `nextSession` says what an event makes of it,
 * `isRenewalDue` (`renewal-due.ts`) says when it is renewed. Nothing here waits, reads a clock or fails.
 *
 *     signed-out ──signed-in──▶ active ──unavailable──▶ retrying ◀─┐
 *         ▲                     ▲   │                    │  │  │   │ unavailable
 *         │                     └───┼──────granted───────┘  │  └───┘
 *         ├────────rejected─────────┴────────rejected───────┘
 *
 * `misconfigured` is like `retrying`, entered when the server refuses the app itself; it is left
 * by a grant, a sign-in or a sign-out. A sign-out leads to `signed-out` from everywhere. Whether a
 * request is in flight is a fact of the process, not of the session. An access token is kept until it
 * expires, or the app is signed out.
 */
import type { RefreshPolicy } from './app.ts'
import type { Failure, PastFailure } from './ports.ts'
import type { Instant, Reading, TokenSet } from './token.ts'

export type SessionName = 'signed-out' | 'active' | 'retrying' | 'misconfigured'

export type Session =
  | { readonly status: 'signed-out'; readonly tokens?: TokenSet; readonly error?: PastFailure }
  | { readonly status: 'active'; readonly tokens?: TokenSet }
  | {
      readonly status: 'retrying'
      readonly tokens?: TokenSet
      readonly error: PastFailure
      readonly failures: number
      /** On the monotonic clock: setting the wall clock does not move it. */
      readonly retryAt: number
      /** Equal refusals in a row, of a kind that we do not know. */
      readonly refusals?: Refusals
      /** Whether an answer of the server to another app may end this wait: not where it sent `Retry-After`. */
      readonly mayEndEarly: boolean
    }
  | {
      readonly status: 'misconfigured'
      readonly tokens?: TokenSet
      readonly error: PastFailure
      readonly retryAt: number
      readonly refusals?: Refusals
    }

interface Refusals {
  /** What is equal about them. */
  readonly refusal: string
  readonly count: number
}

export type SessionEvent =
  | { readonly type: 'granted'; readonly tokens: TokenSet }
  /** A new sign-in: nothing of the session before it remains. */
  | { readonly type: 'signed-in'; readonly tokens: TokenSet }
  | { readonly type: 'rejected'; readonly failure: Failure; readonly at: Reading }
  | {
      readonly type: 'misconfigured'
      readonly failure: Failure
      readonly at: Reading
      /** As in `GrantOutcome`. */
      readonly refusal?: string | undefined
      /** The tokens, where the failed attempt changed them all the same. */
      readonly tokens?: TokenSet
    }
  | {
      readonly type: 'unavailable'
      readonly failure: Failure
      readonly at: Reading
      readonly retryAfterMs?: number
      /** As in `GrantOutcome`. */
      readonly refusal?: string
      /** In [0, 1): where in the back-off window the next attempt falls. */
      readonly random: number
      /** The tokens, where the failed attempt changed them all the same. */
      readonly tokens?: TokenSet
    }
  /** A wake, a network that came back, a new secret, a reload: ends a wait, if that began before `before`. */
  | { readonly type: 'wait-over'; readonly before?: Instant }
  /** Another app of the issuer was granted a token: the server answers again. */
  | { readonly type: 'issuer-answers' }
  | { readonly type: 'signed-out' }

/** The longest `Retry-After` that we honour. */
const RETRY_AFTER_MAX_MS = 15 * 60_000

/** One or two equal refusals may be accidents; the third is believed. */
const REFUSALS_TO_BELIEVE = 3

/** The session after `event`. A new object whenever anything changed. */
export function nextSession(session: Session, event: SessionEvent, policy: RefreshPolicy): Session {
  switch (event.type) {
    case 'granted':
      return { status: 'active', tokens: keepRefreshToken(event.tokens, session.tokens) }
    case 'signed-in':
      return { status: 'active', tokens: event.tokens }
    case 'rejected':
      return {
        status: 'signed-out',
        error: toPastFailure(event.failure, event.at),
        ...(session.tokens && { tokens: omitRefreshToken(session.tokens) }),
      }
    case 'misconfigured': {
      const refusals = countRefusals(session, event.refusal)
      return {
        status: 'misconfigured',
        ...tokensOf(event.tokens ? event : session),
        error: toPastFailure(event.failure, event.at),
        retryAt: event.at.mono + policy.retryMaxMs,
        ...(refusals && { refusals }),
      }
    }
    case 'unavailable': {
      const failures = session.status === 'retrying' ? session.failures + 1 : 1
      const refusals = countRefusals(session, event.refusal)
      return {
        status: 'retrying',
        ...tokensOf(event.tokens ? event : session),
        error: toPastFailure(event.failure, event.at),
        failures,
        retryAt: event.at.mono + delayMs(failures, event, policy),
        ...(refusals && { refusals }),
        mayEndEarly: event.retryAfterMs === undefined,
      }
    }
    case 'issuer-answers':
      return session.status === 'retrying' && session.mayEndEarly
        ? { ...session, retryAt: -Infinity, mayEndEarly: false }
        : session
    case 'wait-over':
      if (session.status !== 'retrying' && session.status !== 'misconfigured') return session
      return session.error.at < (event.before ?? Infinity)
        ? { ...session, retryAt: -Infinity }
        : session
    case 'signed-out':
      return { status: 'signed-out' }
  }
}

/** Whether the server has refused in the same way often enough to be believed. */
export function isRefused(session: Session): boolean {
  return 'refusals' in session && session.refusals.count >= REFUSALS_TO_BELIEVE
}

/** Whether it will be, after one more `refusal`. */
export function wouldBeRefused(session: Session, refusal: string | undefined): boolean {
  return (countRefusals(session, refusal)?.count ?? 0) >= REFUSALS_TO_BELIEVE
}

function countRefusals(session: Session, refusal: string | undefined): Refusals | undefined {
  if (refusal === undefined) return undefined
  const before = 'refusals' in session ? session.refusals : undefined
  return { refusal, count: before?.refusal === refusal ? before.count + 1 : 1 }
}

/** `Retry-After` wins; else full jitter between `retryMin` and a bound that doubles up to `retryMax`. */
function delayMs(
  failures: number,
  { retryAfterMs, random }: { readonly retryAfterMs?: number; readonly random: number },
  { retryMinMs, retryMaxMs }: RefreshPolicy,
): number {
  if (retryAfterMs !== undefined) {
    return Math.max(retryMinMs, Math.min(retryAfterMs, RETRY_AFTER_MAX_MS))
  }
  const boundMs = Math.max(retryMinMs, Math.min(retryMaxMs, retryMinMs * 2 ** failures))
  return Math.round(retryMinMs + random * (boundMs - retryMinMs))
}

/** A server that does not rotate refresh tokens omits them (RFC 6749 §6): keep ours. */
function keepRefreshToken(fresh: TokenSet, previous: TokenSet | undefined): TokenSet {
  const refreshToken = fresh.refreshToken ?? previous?.refreshToken
  return refreshToken === undefined ? fresh : { ...fresh, refreshToken }
}

function omitRefreshToken({ refreshToken, ...kept }: TokenSet): TokenSet {
  return kept
}

function tokensOf({ tokens }: { readonly tokens?: TokenSet }): { tokens?: TokenSet } {
  return tokens ? { tokens } : {}
}

function toPastFailure(failure: Failure, at: Reading): PastFailure {
  return { code: failure.code, message: failure.message, at: at.wall }
}
