/** Why a sign-in cannot even start. */
import { needsClientSecret } from '../core/app.ts'
import type { Asked } from '../core/ports.ts'
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'

/** @throws {SidecarError} `invalid_request` for a service app, `misconfigured` without a client secret that is needed. */
export function requireSignIn(state: AppState): void {
  const { app } = state
  if (app.type === 'service') {
    throw new SidecarError('invalid_request', `"${app.name}" is a service app: nobody signs in.`, {
      hint: `It needs its client secret only: \`evo-token secret ${app.name}\`.`,
    })
  }
  if (needsClientSecret(app) && state.clientSecrets()[0] === undefined) {
    throw new SidecarError('misconfigured', `No client secret is stored for "${app.name}".`, {
      hint: `Store it with \`evo-token secret ${app.name}\`, then sign in.`,
    })
  }
}

/** @throws {SidecarError} with the failure's message. */
export function valueOf<T>(asked: Asked<T>): T {
  if (asked.kind === 'ok') return asked.value
  throw new SidecarError(asked.code, asked.failure.message)
}
