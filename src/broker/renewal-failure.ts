/** Applies a renewal that failed to the session. */
import type { GrantOutcome } from '../core/authorization-server.ts'
import { wouldBeRefused } from '../core/session.ts'
import type { TokenSet } from '../core/token.ts'
import type { AppState } from './app-state.ts'

export type SalvagedOutcome = Extract<GrantOutcome, { kind: 'salvaged' }>

export function recordFailure(
  state: AppState,
  outcome: Exclude<GrantOutcome, { kind: 'granted' }>,
): void {
  const { failure } = outcome
  const { app, deps } = state
  switch (outcome.kind) {
    case 'salvaged':
      recordSalvaged(state, outcome)
      return
    case 'unavailable': {
      const { refusal, tooLong } = outcome
      const retryAfterMs = tooLong ? app.refresh.retryMaxMs : outcome.retryAfterMs
      if (app.type === 'service' && wouldBeRefused(state.session, refusal)) {
        // The same refusal again and again is about the registration: no person could sign in.
        state.apply({ type: 'misconfigured', failure, refusal, at: deps.clock.read() })
        return
      }
      state.recordUnavailable(failure, {
        ...(retryAfterMs !== undefined && { retryAfterMs }),
        ...(refusal !== undefined && { refusal }),
      })
      return
    }
    // A service app has no person to sign in: whatever the server rejects is the app itself.
    case 'rejected':
    case 'misconfigured':
      state.apply({ type: 'misconfigured', failure, at: deps.clock.read() })
  }
}

/** @param tokens those of the session with the salvaged refresh token, where it was stored. */
export function recordSalvaged(state: AppState, outcome: SalvagedOutcome, tokens?: TokenSet): void {
  const { failure, lasting, tooLong } = outcome
  const changed = tokens ? { tokens } : {}
  if (lasting) {
    state.apply({ type: 'misconfigured', failure, at: state.deps.clock.read(), ...changed })
    return
  }
  const retryAfterMs = tooLong && state.app.refresh.retryMaxMs
  state.recordUnavailable(failure, {
    ...changed,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}
