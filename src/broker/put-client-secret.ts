/** Stores the client secret of an app, or its private key, that the owner gives. */
import { type App, hasPrivateKey } from '../core/app.ts'
import { asEnd } from '../core/case-row.ts'
import { secretCommand, secretWords } from '../core/client-secret.ts'
import type { Failure } from '../core/ports.ts'
import type { Sealed } from '../core/token.ts'
import type { StoreResult } from '../core/vault.ts'
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'
import { recordNewerError } from './newer-record.ts'
import { storeAndServe } from './store-and-serve.ts'

/** A client secret, or the private key that some apps have in its place. */
export interface GivenSecret {
  readonly secret: Sealed
  readonly isPrivateKey: boolean
}

/**
 * Stores a client secret. A service app's is proven by a grant first; what cannot be proven now
 * waits beside the old one until a grant proves it.
 *
 * @throws {SidecarError} `misconfigured` where the server refuses it: then nothing has changed;
 * `unavailable` where it could not be stored, `record_newer`; `invalid_request` for an app that has
 * none, and for a secret where the app has a private key, or a key where it has a secret.
 */
export async function putClientSecret(
  state: AppState,
  given: GivenSecret,
): Promise<{ proven: boolean }> {
  const { app, registration } = state
  const { secret } = given
  if (app.type !== 'service' && app.type !== 'web') {
    throw new SidecarError(
      'invalid_request',
      `"${app.name}" is a ${app.type} app: it has no client secret.`,
      {
        hint: 'Only web and service apps have one.',
      },
    )
  }
  requireSecretKind(app, given)
  const fault = registration.server.secretFault(secret)
  if (fault) throw new SidecarError('invalid_request', fault.message)
  if (app.type === 'service') {
    const outcome = await registration.limit(() => registration.server.issue(secret))
    if (outcome.kind === 'granted') {
      const { generation, identity, nextClientSecret, ...kept } = state.ledger.record
      const change = { ...kept, clientSecret: secret }
      const stored = await storeAndServe(state, outcome, 'granted', change)
      if (stored === 'unwritable') throw notStoredError(app, state.ledger.unstored)
      if (stored === 'newer') throw recordNewerError(app.name)
      return { proven: true }
    }
    if (outcome.kind === 'misconfigured' || outcome.kind === 'rejected') {
      throw refusedSecretError(app, outcome.failure)
    }
    if (outcome.kind === 'unavailable') {
      const { failure, retryAfterMs } = outcome
      state.recordUnavailable(failure, retryAfterMs === undefined ? {} : { retryAfterMs })
    }
  }
  const { generation, identity, ...kept } = state.ledger.record
  requireStored(app, await state.ledger.writeOrKeep({ ...kept, nextClientSecret: secret }))
  if (app.type === 'web') state.apply({ type: 'wait-over' })
  return { proven: false }
}

function requireSecretKind(app: App, { isPrivateKey }: GivenSecret): void {
  if (isPrivateKey === hasPrivateKey(app)) return
  const [message, hint] = isPrivateKey
    ? [
        `"${app.name}" shows no private key at the token endpoint.`,
        'Where its server expects one, set "tokenEndpointAuthMethod" to "private_key_jwt" in the config and `evo-token reload` first.',
      ]
    : [
        `"${app.name}" has a private key in place of a client secret ("tokenEndpointAuthMethod").`,
        `Store it with \`${secretCommand(app)}\`.`,
      ]
  throw new SidecarError('invalid_request', message, { hint })
}

function refusedSecretError(app: App, failure: Failure): SidecarError {
  return new SidecarError(
    'misconfigured',
    `The authorization server refuses this ${secretWords(app)} for "${app.name}": ${failure.code}: ${asEnd(failure.message)} Nothing was changed.`,
    {
      hint: `Check that it belongs to the app's client id, then \`${secretCommand(app)}\` again.`,
    },
  )
}

function requireStored(app: App, result: StoreResult): void {
  if (result.kind === 'unwritable') throw notStoredError(app, result.failure)
  if (result.kind === 'newer') throw recordNewerError(app.name)
  if (result.kind === 'changed') {
    throw new SidecarError(
      'unavailable',
      `The record of "${app.name}" changed meanwhile; try again.`,
    )
  }
}

function notStoredError(app: App, failure: Failure | undefined): SidecarError {
  return new SidecarError(
    'unavailable',
    `The ${secretWords(app)} of "${app.name}" could not be stored: ${failure?.message ?? ''}`,
    {
      hint: 'Make room on the disk of the state directory, or correct its permissions; then store it again.',
    },
  )
}
