/**
 * Why there is no token, in our words: these reach every caller, so the authorization server's
 * own words (which `status` tells the owner) are not in them.
 */
import { secretCommand, secretMissing, secretWords } from '../core/client-secret.ts'
import { sessionName } from '../core/session.ts'
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'

/** Asked again while a request is under way, a caller should not wait for long. */
const SOON_MS = 1_000

export function refusalOf(state: AppState, renewing: boolean): SidecarError {
  const { app, session, deps } = state
  const now = deps.clock.read()
  switch (sessionName(app, session, now)) {
    case 'signed-out':
      return new SidecarError('login_required', `Nobody is signed in to "${app.name}".`, {
        hint: `Sign in with \`evo-token login ${app.name}\`.`,
      })
    case 'misconfigured':
      return new SidecarError(
        'misconfigured',
        `The authorization server does not accept the app "${app.name}" as it is configured.`,
        { hint: misconfiguredHint(state) },
      )
    case 'retrying':
      return unavailable(
        `The token of "${app.name}" has expired, and the last attempt to renew it failed.`,
        state,
        'retryAt' in session && !renewing ? session.retryAt - now.mono : SOON_MS,
      )
    case 'active':
      return unavailable(`The token of "${app.name}" is being renewed.`, state, SOON_MS)
  }
}

export function misconfiguredHint({ app, session }: AppState): string {
  const error = 'error' in session ? session.error.error : undefined
  return error === secretMissing(app).error || error === 'invalid_client'
    ? `Store the ${secretWords(app)} with \`${secretCommand(app)}\`.`
    : `\`evo-token status ${app.name}\` says what the server refuses; mend the config or the registration, then \`evo-token reload\`.`
}

function unavailable(message: string, { app }: AppState, waitMs: number): SidecarError {
  return new SidecarError('unavailable', message, {
    retryAfterMs: Math.max(SOON_MS, waitMs),
    hint: `Try again shortly; \`evo-token status ${app.name}\` says why.`,
  })
}
