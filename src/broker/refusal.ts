/**
 * Why there is no token, in our words: these reach every caller, so the authorization server's
 * own words (which `status` tells the owner) are not in them.
 */
import { secretMends } from '../core/attention.ts'
import { secretCommand, secretMissing, secretWords } from '../core/client-secret.ts'
import { isRefused, sessionName } from '../core/session.ts'
import type { Instant } from '../core/token.ts'
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'
import { recordNewerRefusal } from './newer-record.ts'

/** Asked again while a request is under way, a caller should not wait for long. */
const SOON_MS = 1_000

export function refusalOf(state: AppState, renewing: boolean): SidecarError {
  const { app, session, deps, ledger } = state
  const now = deps.clock.read()
  if (ledger.newer) return recordNewerRefusal(app.name)
  switch (sessionName(app, session, now)) {
    case 'signed-out':
      // Nobody signs in to a service app: what it lacks is its client secret.
      return app.type === 'service'
        ? misconfigured(`"${app.name}" was signed out: no token is issued to it.`, state)
        : new SidecarError('login_required', `Nobody is signed in to "${app.name}".`, {
            hint: `Sign in with \`evo-token login ${app.name}\`.`,
          })
    case 'misconfigured':
      return misconfigured(
        errorOf(state) === secretMissing(app).error
          ? `No ${secretWords(app)} is stored for "${app.name}".`
          : `The authorization server does not accept the app "${app.name}" as it is configured.`,
        state,
      )
    case 'retrying':
      if (isRefused(session)) {
        return new SidecarError(
          'login_required',
          `The authorization server refuses to renew the session of "${app.name}", again and again in the same way.`,
          { hint: `Sign in again with \`evo-token login ${app.name}\`.` },
        )
      }
      return unavailable(
        `The token of "${app.name}" has expired, and the last attempt to renew it failed.`,
        state,
        'retryAt' in session && !renewing ? session.retryAt - now.mono : SOON_MS,
      )
    case 'active':
      return unavailable(`The token of "${app.name}" is being renewed.`, state, SOON_MS)
  }
}

/** A request that spends something has no answer yet, and what the owner wishes has to wait for it. */
export function answerOutstanding(app: string, since: Instant): SidecarError {
  const time = new Date(since).toISOString().slice(11, 19)
  return new SidecarError(
    'unavailable',
    `A request of "${app}" to its authorization server is out since ${time} UTC and must not be cut short. Nothing was changed.`,
    { hint: 'Try again in a minute; it ends within 5 minutes.', retryAfterMs: 30_000 },
  )
}

function misconfigured(message: string, state: AppState): SidecarError {
  const { app } = state
  const { status } = state.session
  const hint = secretMends({ type: app.type, session: status, error: errorOf(state) })
    ? `Store the ${secretWords(app)} with \`${secretCommand(app)}\`.`
    : `\`evo-token status ${app.name}\` says what the server refuses; mend the config or the registration, then \`evo-token reload\`.`
  return new SidecarError('misconfigured', message, { hint })
}

function errorOf({ session }: AppState): string | undefined {
  return 'error' in session ? session.error.error : undefined
}

function unavailable(message: string, { app }: AppState, waitMs: number): SidecarError {
  return new SidecarError('unavailable', message, {
    retryAfterMs: Math.max(SOON_MS, waitMs),
    hint: `Try again shortly; \`evo-token status ${app.name}\` says why.`,
  })
}
