/** What a person is told whose sign-in cannot start, or was refused: the server's words, and a way out. */
import { type App, needsClientSecret } from '../core/app.ts'
import { secretCommand, secretMissing, secretWords } from '../core/client-secret.ts'
import type { Asked, Failure } from '../core/ports.ts'
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'

/** @throws {SidecarError} `invalid_request` for a service app, `misconfigured` without a client secret that is needed. */
export function requireSignIn(state: AppState): void {
  const { app } = state
  if (app.type === 'service') {
    throw new SidecarError('invalid_request', `"${app.name}" is a service app: nobody signs in.`, {
      hint: `It needs its ${secretWords(app)} only: \`${secretCommand(app)}\`.`,
    })
  }
  if (needsClientSecret(app) && state.clientSecrets()[0] === undefined) {
    throw new SidecarError('misconfigured', secretMissing(app).message, {
      hint: `Store it with \`${secretCommand(app)}\`, then sign in.`,
    })
  }
}

/** The server's words, and what to do about them where that can be told. */
export function withAdvice(app: App, { error, message }: Failure): string {
  const advice = adviceOn(app, error)
  return advice === undefined ? message : `${message.replace(/[^.!?…]$/, '$&.')} ${advice}`
}

function adviceOn(app: App, error: string): string | undefined {
  const { type, scopes } = app
  switch (error) {
    case 'invalid_scope':
      return type === 'spa' && scopes.includes('offline_access')
        ? 'An SPA may not be allowed offline_access: take it out of "scopes" in the config, and sign in whenever the token ends; or register a native app, which may have it.'
        : 'Compare "scopes" in the config with those of the registration; Evo scopes need an app that was registered in the Seequent Developer Portal.'
    case 'access_denied':
      return 'Either you declined, or your account may not use this app.'
    case 'unauthorized_client':
      return `Check that the app is registered as "${type}", and its client id.`
    case 'invalid_client':
      return type === 'web'
        ? `Store its ${secretWords(app)} again: ${secretCommand(app)}`
        : 'Check the client id in the config.'
    case 'invalid_grant':
      return 'The answer of the server was used before, or too late: sign in again.'
    default:
      return undefined
  }
}

/** @throws {SidecarError} with the failure's message. */
export function valueOf<T>(asked: Asked<T>): T {
  if (asked.kind === 'ok') return asked.value
  throw new SidecarError(asked.code, asked.failure.message)
}
