/** Signs an app out: its newest token is revoked where the server can, and its record deleted. */
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'
import { recordNewerError } from './newer-record.ts'
import { clientSecretsOf } from './secrets.ts'
import { waitAtMost } from './wait-at-most.ts'

/** A sign-out is answered after this, whether its revocation was or not. */
const SIGN_OUT_MS = 28_000

/** Of that is left for the revocation, however long a request was waited for. */
const REVOCATION_MIN_MS = 3_000

export interface SignedOut {
  readonly revoked: boolean
  /** Whether other hosts can know of it yet; absent where none shares the app. */
  readonly published?: boolean
}

/**
 * Revokes the newest token where the server can, and forgets it. A service app forgets its client
 * secret too: with it, it would get a token again by itself. A web app keeps its client secret, and
 * what a newer version stored beside it.
 *
 * @param askedAt when the owner asked for it, on the monotonic clock.
 * @throws {SidecarError} `unavailable` where the disk did not delete the record; `record_newer`.
 */
export async function signOut(state: AppState, askedAt: number): Promise<SignedOut> {
  const { app, ledger } = state
  const { clientSecret, nextClientSecret, unknownMembers } = ledger.record
  const revoked = await revokeNewest(state, askedAt)
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
    return signOut(state, askedAt)
  }
  state.apply({ type: 'signed-out' })
  if (result.kind === 'unwritable') {
    throw new SidecarError(
      'unavailable',
      `"${app.name}" is signed out${revoked ? ' and its session revoked' : ''}, but its record could not be deleted: ${result.failure.message}`,
      {
        hint: 'Make room on the disk of the state directory, or correct its permissions: the record is deleted as soon as that is possible.',
      },
    )
  }
  const published = await state.home.publish()
  return { revoked, ...(published !== undefined && { published }) }
}

/** Whether the server confirms in time that the newest token is worth nothing any more. */
async function revokeNewest(state: AppState, askedAt: number): Promise<boolean> {
  const { session, registration, sessionNumber, home, deps } = state
  const { tokens } = session
  if (!tokens) return false
  const [secret] = clientSecretsOf(state)
  // Asked as before a refresh: the session may have been handed over while this request connects.
  const question = () => home.question('refresh', sessionNumber)
  const { refreshToken, accessToken } = tokens
  const asked = refreshToken
    ? registration.server.revoke(refreshToken, 'refresh_token', secret, question)
    : registration.server.revoke(accessToken, 'access_token', secret, question)
  const leftMs = askedAt + SIGN_OUT_MS - deps.clock.read().mono
  let revoked = false
  const told = asked.then((confirmed) => {
    revoked = confirmed
  })
  await waitAtMost(deps.sleep, Math.max(REVOCATION_MIN_MS, leftMs), told)
  return revoked
}
