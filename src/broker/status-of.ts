/** What callers and the owner get about an app: its token, its status, its readiness. */
import type { App } from '../core/app.ts'
import { sessionEnd } from '../core/session-end.ts'
import { type Problem, problemBeforeSession, problemsOf, whatBlocks } from '../core/problem.ts'
import type { SessionFacts } from '../core/find-cases.ts'
import { isRenewable, renewalAt, sessionName } from '../core/renewal-due.ts'
import type { AppStatus, Readiness, ServedToken } from '../core/status.ts'
import type { NotRestoredCase } from '../core/problem-cases.ts'
import type { Failure, PastFailure } from '../core/ports.ts'
import { expiresAt, type Instant, type Reading, remainingMs, type TokenSet } from '../core/token.ts'
import type { AppState } from './app-state.ts'

export function toServedToken(tokens: TokenSet, now: Reading): ServedToken {
  const leftMs = remainingMs(tokens, now)
  return {
    accessToken: tokens.accessToken,
    expiresAt: expiresAt(tokens, now),
    expiresInS: leftMs === Infinity ? null : Math.floor(leftMs / 1000),
    scope: tokens.scope ?? null,
    fingerprint: tokens.accessToken.fingerprint,
  }
}

export function statusOf(state: AppState): AppStatus {
  const { app, session, deps, ledger } = state
  const now = deps.clock.read()
  const { tokens } = session
  const problems = problemsNow(state, now)
  const waits =
    'retryAt' in session && !ledger.newer
      ? Math.max(now.mono, session.retryAt) - now.mono
      : undefined
  return {
    app: app.name,
    type: app.type,
    // The session is there and cannot be read, as with a locked vault.
    session: ledger.newer ? 'retrying' : sessionName(app, session, now),
    freshness: state.freshness(now),
    expiresAt: tokens ? expiresAt(tokens, now) : null,
    refreshAt: refreshAtOf(state, now),
    refreshedAt: tokens?.received.wall ?? null,
    retryAt: waits === undefined ? null : Math.round(now.wall + waits),
    failures: session.status === 'retrying' ? session.failures : 0,
    scope: tokens?.scope ?? null,
    fingerprint: tokens?.accessToken.fingerprint ?? null,
    lastError: lastErrorOf(state, problems),
    problems,
    ...foreseeEnd(state, now),
    subject: tokens?.subject ? (tokens.subject.name ?? tokens.subject.id) : null,
    home: state.home.homeName() ?? null,
  }
}

function refreshAtOf({ app, session, ledger, reissueAt = Infinity }: AppState, now: Reading) {
  const { status, tokens } = session
  if (!tokens || status !== 'active' || !isRenewable(app, session) || ledger.newer) return null
  const at = Math.min(renewalAt(app, tokens, now), reissueAt)
  return at === Infinity ? null : at
}

/** All that is wrong with the app at `now`; what blocks its token comes first. */
export function problemsNow(state: AppState, now: Reading): readonly Problem[] {
  const { app, deps } = state
  const { sessionExpiresAt, sessionExpiresSoon } = foreseeEnd(state, now)
  return problemsOf({
    ...sessionFacts(state, now),
    missingScopes: scopesNotAskedFor(state),
    isTokenRefused: state.isTokenRefused(),
    ...(sessionExpiresSoon && sessionExpiresAt !== null && { endsSoonAt: sessionExpiresAt }),
    fileFault: deps.fileFaultOf(app.name),
  })
}

function sessionFacts(state: AppState, now: Reading): SessionFacts {
  const { app, session, ledger } = state
  return {
    app,
    session,
    now,
    newer: ledger.newer !== undefined,
    unstored: ledger.unstored,
    homeFault: homeFaultOf(state),
  }
}

function homeFaultOf({ home }: AppState): SessionFacts['homeFault'] {
  const fault = home.fault()
  return fault && { case: fault === 'elsewhere' ? 'not_confirmed' : fault, words: home.words() }
}

/** Ready: a token is served now, and the session would survive a restart. */
export function readinessOf(state: AppState): Readiness {
  const problem = whatBlocks(sessionFacts(state, state.deps.clock.read()))
  return problem ? { ready: false, reason: problem.reason } : { ready: true, reason: null }
}

function lastErrorOf(
  { session, ledger }: AppState,
  problems: readonly Problem[],
): PastFailure | null {
  if (ledger.newer) return ledger.newer
  if ('error' in session) return session.error
  const at = session.tokens?.received.wall ?? 0
  if (ledger.unstored) return { ...ledger.unstored, at }
  const changed = problems.find((problem) => problem.case === 'scope_changed')
  return changed ? { code: 'scope_changed', message: changed.owner.message, at } : null
}

type ForeseenEnd = Pick<AppStatus, 'sessionExpiresAt' | 'sessionExpiresSoon'>

const NO_END: ForeseenEnd = { sessionExpiresAt: null, sessionExpiresSoon: false }

/** The end of a session that can still be refreshed, where it is known in advance. */
export function foreseeEnd({ app, session, ledger }: AppState, now: Reading): ForeseenEnd {
  const { tokens } = session
  const mayEnd =
    ledger.record.refreshTokenExpiresAt !== undefined || app.refresh.sessionAgeMs !== undefined
  if (!mayEnd || !tokens?.refreshToken || session.status === 'signed-out') return NO_END
  const end = sessionEnd(ledger.record, app.refresh, renewalAt(app, tokens, now))
  return {
    sessionExpiresAt: end?.at ?? null,
    sessionExpiresSoon: end !== undefined && now.wall >= end.soonFrom,
  }
}

/** Scopes that were added to the config after the sign-in. */
function scopesNotAskedFor({ app, ledger }: AppState): readonly string[] {
  const { askedScope } = ledger.record
  // A sign-in asks for all of them.
  if (askedScope === undefined || askedScope === app.scopes.join(' ')) return []
  const asked = new Set(askedScope.split(' '))
  return app.scopes.filter((scope) => !asked.has(scope))
}

/** Why the record of an app has not been read yet, what can be done, and how many attempts failed. */
export interface NotRestored {
  readonly case: NotRestoredCase
  readonly failure: Failure
  readonly hint: string
  readonly attempts: number
}

/** The status of an app whose record has not been read yet. */
export function notRestoredStatus(app: App, why: NotRestored, at: Instant): AppStatus {
  return {
    ...emptyStatus(app),
    failures: why.attempts,
    lastError: { ...why.failure, at },
    problems: [notRestoredProblem(app, why)],
  }
}

export function notRestoredProblem(app: App, { case: found, failure, hint }: NotRestored): Problem {
  return problemBeforeSession(app, found, { message: failure.message, hint })
}

/** The status of an app about which nothing is known. */
export function emptyStatus(app: App): AppStatus {
  return {
    app: app.name,
    type: app.type,
    session: 'retrying',
    freshness: 'none',
    expiresAt: null,
    refreshAt: null,
    refreshedAt: null,
    retryAt: null,
    failures: 0,
    scope: null,
    fingerprint: null,
    lastError: null,
    problems: [],
    sessionExpiresAt: null,
    sessionExpiresSoon: false,
    subject: null,
    home: null,
  }
}
