/** The errors of a sign-in that cannot start or was refused: the server's words, and what to do. */
import { type App, needsClientSecret } from '../core/app.ts'
import { asEnd } from '../core/case-row.ts'
import { secretCommand, secretMissing, secretWords } from '../core/client-secret.ts'
import type { ServerResult } from '../core/authorization-server.ts'
import type { Failure } from '../core/ports.ts'
import { signInRemedy } from '../core/remedy.ts'
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'
import { clientSecretsOf } from './secrets.ts'

/** @throws {SidecarError} `invalid_request` for a service app, `misconfigured` without a client secret that is needed. */
export function requireSignIn(state: AppState): void {
  const { app } = state
  if (app.type === 'service') {
    throw new SidecarError(
      'invalid_request',
      `"${app.name}" is a service app: no person signs in.`,
      {
        hint: `It needs its ${secretWords(app)} only: \`${secretCommand(app)}\`.`,
      },
    )
  }
  if (needsClientSecret(app) && clientSecretsOf(state)[0] === undefined) {
    throw new SidecarError('misconfigured', secretMissing(app).message, {
      hint: `Store it with \`${secretCommand(app)}\`, then sign in.`,
    })
  }
}

/** The server's words, and what to do about them where that can be told. */
export function withAdvice(app: App, { code: error, message }: Failure): string {
  const advice = signInRemedy(app, error)
  return advice === undefined ? message : `${asEnd(message)} ${advice}`
}

/** @throws {SidecarError} with the failure's message. */
export function unwrapResult<T>(result: ServerResult<T>): T {
  if (result.kind === 'ok') return result.value
  throw new SidecarError(result.code, result.failure.message)
}
