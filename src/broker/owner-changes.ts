/** What the owner may do to an app besides signing in. Each runs in the app's queue. */
import { type App, hasPrivateKey } from '../core/app.ts'
import { secretCommand, secretWords } from '../core/client-secret.ts'
import type { Failure } from '../core/ports.ts'
import type { StoreResult } from '../core/vault.ts'
import type { Sealed } from '../core/token.ts'
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'
import { recordNewerError } from './newer-record.ts'
import { clientSecretsOf } from './secrets.ts'
import { storeAndServe } from './store-and-serve.ts'

export interface SignedOut {
  readonly revoked: boolean
  /** Whether other hosts can know of it yet; absent where none shares the app. */
  readonly published?: boolean
}

/**
 * What changes a session may be done at its home only.
 *
 * @throws {SidecarError} `not_home`, `unavailable` where it cannot be told whether it is here.
 */
export async function requireHome({ home }: AppState): Promise<void> {
  const refusal = await home.refuseChange()
  if (refusal) throw refusal
}

/**
 * Revokes the newest token where the server can, and forgets it. A service app forgets its client
 * secret too: with it, it would sign in by itself again. A web app keeps what it has besides the
 * session, and that may be something that a newer version stored.
 *
 * @throws {SidecarError} `unavailable` where the disk would not let go of the record; `record_newer`.
 */
export async function signOut(state: AppState): Promise<SignedOut> {
  const { app, session, ledger, registration } = state
  const { tokens } = session
  const { clientSecret, nextClientSecret, unknownMembers } = ledger.record
  const [secret] = clientSecretsOf(state)
  const { sessionNumber, home } = state
  // As a request that spends: the session may have been given away while this one connects.
  const question = () => home.question('refresh', sessionNumber)
  const revoked = await (tokens?.refreshToken
    ? registration.server.revoke(tokens.refreshToken, 'refresh_token', secret, question)
    : tokens
      ? registration.server.revoke(tokens.accessToken, 'access_token', secret, question)
      : false)
  const kept = clientSecret ?? nextClientSecret ?? unknownMembers
  const result =
    app.type === 'web' && kept
      ? await ledger.write({
          ...(clientSecret && { clientSecret }),
          ...(nextClientSecret && { nextClientSecret }),
          ...(unknownMembers && { unknownMembers }),
        })
      : await ledger.remove()
  if (result.kind === 'newer') throw recordNewerError(app.name)
  if (result.kind === 'changed') {
    // Another process has stored a newer session meanwhile: that is the one to end.
    state.reloadFromRecord()
    return signOut(state)
  }
  state.apply({ type: 'signed-out' })
  if (result.kind === 'unwritable') {
    throw new SidecarError(
      'unavailable',
      `"${app.name}" is signed out${revoked ? ' and its session revoked' : ''}, but its record could not be deleted: ${result.failure.message}`,
      { hint: 'The record is deleted as soon as the disk lets us; see to the disk.' },
    )
  }
  const published = await state.home.publish()
  return { revoked, ...(published !== undefined && { published }) }
}

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
 * none, or that shows a key in place of a secret, or the other way round.
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
    `The authorization server refuses this ${secretWords(app)} for "${app.name}": ${failure.code}: ${failure.message} Nothing was changed.`,
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
    { hint: 'See to the disk, then store it again.' },
  )
}
