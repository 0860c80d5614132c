/** Takes over the tokens of a sign-in by the rotation protocol: a code is spent like a refresh token. */
import { omitLife } from '../core/session-end.ts'
import type { GrantOutcome, PollOutcome, PreparedRequest } from '../core/authorization-server.ts'
import type { StoredTokens } from '../core/stored-tokens.ts'
import { areDifferent, type Grant, type Sealed } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import { type ReceivedAnswer, type NotStored, spend } from './rotation.ts'
import { clientSecretsOf, withProvenSecret } from './secrets.ts'
import {
  toFailedSignIn,
  otherSubject,
  otherSubjectMessage,
  type SignInEnd,
  toSucceededSignIn,
} from './sign-in-end.ts'
import { withAdvice } from './sign-in-errors.ts'
import { storeAndServe } from './store-and-serve.ts'

export interface Redemption {
  readonly prepare: (clientSecret: Sealed | undefined) => Promise<PreparedRequest<PollOutcome>>
  /** Whether another person than the one who is signed in may sign in. */
  readonly switchUser: boolean
  /** Asked right before the request may leave. */
  readonly isWanted: () => boolean
  /** Whether it becomes the session: not where a later sign-in has become it. */
  readonly claimSession: () => boolean
}

/**
 * Redeems what a person brought back and makes it the app's session; on any failure the old one
 * stays. It waits for no refresh. Undefined where it is no longer wanted.
 */
export async function takeOverSignIn(
  state: AppState,
  { prepare, switchUser, isWanted, claimSession }: Redemption,
): Promise<SignInEnd | undefined> {
  const refusal = await state.home.refuseSignIn()
  if (refusal) return toFailedSignIn(refusal.code, refusal.message)
  const turn = state.registration.turns.takeAtOnce()
  const concluded = await spend<PollOutcome, Conclusion>(state, {
    kind: 'redemption',
    prepare,
    isWanted,
    store: (answered) => storeSignInOutcome(state, answered, { switchUser, claimSession }),
    handleNotReserved: async (result) => ({ end: failNotReserved(state, result) }),
  }).finally(() => {
    turn.end(false)
  })
  await concluded?.cleanUp?.()
  return concluded?.end
}

interface Conclusion {
  readonly end: SignInEnd
  /** Revokes what is no longer used, outside of the app's queue: no change of the app waits for a request. */
  readonly cleanUp?: () => Promise<void>
}

async function storeSignInOutcome(
  state: AppState,
  { outcome, clientSecret }: ReceivedAnswer<PollOutcome>,
  { switchUser, claimSession }: Pick<Redemption, 'switchUser' | 'claimSession'>,
): Promise<Conclusion> {
  const { app } = state
  switch (outcome.kind) {
    case 'granted': {
      const { grant } = outcome
      const cleanUp = () => revokeGrant(state, grant)
      const other = switchUser ? undefined : otherSubject(state, grant)
      if (other)
        return {
          end: toFailedSignIn('other_subject', otherSubjectMessage(app.name, other)),
          cleanUp,
        }
      if (!claimSession()) return { end: toFailedSignIn('cancelled', NEWER_SIGN_IN), cleanUp }
      return acceptSignIn(state, outcome, clientSecret)
    }
    case 'salvaged': {
      // A refresh token without an access token is not a complete sign-in.
      const { failure, refreshToken } = outcome
      return {
        end: toFailedSignIn(failure.code, failure.message),
        cleanUp: () => revokeGrant(state, { refreshToken }),
      }
    }
    case 'pending':
      return { end: { status: 'pending', slowDown: outcome.slowDown } }
    case 'rejected':
    case 'misconfigured':
    case 'unavailable':
      return { end: toFailedSignIn(outcome.failure.code, withAdvice(app, outcome.failure)) }
  }
}

const NEWER_SIGN_IN = 'A newer sign-in of this app was completed.'

async function acceptSignIn(
  state: AppState,
  outcome: Extract<GrantOutcome, { kind: 'granted' }>,
  clientSecret: Sealed | undefined,
): Promise<Conclusion> {
  const { grant } = outcome
  const isHome = state.home.fault() === undefined
  if (state.home.fault() === 'elsewhere' && !state.home.sharingOfSignIn()) {
    return { end: toFailedSignIn('vault_changed', VAULT_CHANGED) }
  }
  const { tokens, ...record } = withProvenSecret(state, clientSecret)
  const change = { ...omitLife(record), askedScope: state.app.scopes.join(' ') }
  const stored = await storeAndServe(state, outcome, 'signed-in', change)
  if (stored === 'changed') {
    state.reloadFromRecord()
    return {
      end: toFailedSignIn('vault_changed', VAULT_CHANGED),
      cleanUp: () => revokeGrant(state, grant),
    }
  }
  const lost = await state.home.settleSignIn()
  if (lost !== undefined) return { end: toFailedSignIn('vault_changed', lost) }
  // A previous session that has its home elsewhere is not ours to end.
  const cleanUp = async () => {
    if (isHome) await endBefore(state, tokens, grant)
  }
  return { end: toSucceededSignIn(state, grant), cleanUp }
}

const VAULT_CHANGED = 'The record of the app changed meanwhile. Sign in again.'

function failNotReserved(state: AppState, result: NotStored): SignInEnd {
  const failure = result.kind === 'unwritable' ? result.failure : state.ledger.newer
  if (failure) return toFailedSignIn(failure.code, failure.message)
  state.reloadFromRecord()
  return toFailedSignIn('vault_changed', VAULT_CHANGED)
}

/**
 * Revokes the session that a sign-in replaced, if that was certainly another person's. Servers may
 * tie all sign-ins of one person to one grant: revoking the older token would end the newer one.
 */
async function endBefore(
  state: AppState,
  before: StoredTokens | undefined,
  { subject }: Grant,
): Promise<void> {
  if (!before?.refreshToken || !areDifferent(before.subject, subject)) return
  const [secret] = clientSecretsOf(state)
  const { server } = state.registration
  const revoked = await server.revoke(before.refreshToken, 'refresh_token', secret)
  state.deps.log.info(
    { app: state.app.name, revoked },
    'the session of the previous person has ended',
  )
}

/** Revokes the unused tokens of a sign-in, unless that may end the session that stays: both may be of one grant. */
async function revokeGrant(
  state: AppState,
  { accessToken, refreshToken, subject }: Partial<Grant>,
): Promise<void> {
  // They may be of one grant with a session that has its home elsewhere.
  if (state.home.fault()) return
  const { tokens } = state.ledger.record
  const { server } = state.registration
  const [secret] = clientSecretsOf(state)
  if (!tokens?.refreshToken || areDifferent(tokens.subject, subject)) {
    if (refreshToken) await server.revoke(refreshToken, 'refresh_token', secret)
    else if (accessToken) await server.revoke(accessToken, 'access_token', secret)
  }
}
