/** When a session is renewed, and whether it can be. */
import type { App } from './app.ts'
import type { Session, SessionName } from './session.ts'
import {
  ageMs,
  freshness,
  type Instant,
  instantOfAge,
  type Reading,
  staleAt,
  type TokenSet,
} from './token.ts'

/**
 * Whether the session should be renewed at `now`. Asked at every heartbeat rather than turned into
 * a timer, so a laptop that slept through the moment catches up at the first beat after it woke.
 */
export function isRenewalDue(app: App, session: Session, now: Reading): boolean {
  if (!isRenewable(app, session)) return false
  switch (session.status) {
    case 'signed-out':
      return false
    case 'retrying':
    case 'misconfigured':
      return now.mono >= session.retryAt
    case 'active': {
      const { tokens } = session
      return (
        freshness(tokens, now, app.refresh) !== 'fresh' ||
        (tokens !== undefined && ageMs(tokens, now) >= maxAgeMs(app))
      )
    }
  }
}

/** When `isRenewalDue` will be true of an active session with `tokens`, by the wall clock as it stands now; infinite for never. */
export function renewalAt(app: App, tokens: TokenSet, now: Reading): Instant {
  return Math.min(staleAt(tokens, now, app.refresh), instantOfAge(tokens, maxAgeMs(app), now))
}

/** The age at which tokens are renewed however long they live. */
function maxAgeMs({ refresh }: App): number {
  return refresh.atLeastMs ?? Infinity
}

/** Whether there is anything to renew the session with: a refresh token, or the app's own credentials. */
export function isRenewable(app: App, session: Session): boolean {
  return app.type === 'service' || session.tokens?.refreshToken !== undefined
}

/** The session's name for people: one that nothing can renew ends with its token. */
export function sessionName(app: App, session: Session, now: Reading): SessionName {
  const ended =
    session.status === 'active' &&
    !isRenewable(app, session) &&
    freshness(session.tokens, now, app.refresh) === 'expired'
  return ended ? 'signed-out' : session.status
}
