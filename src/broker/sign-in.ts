/** Taking over the tokens of a sign-in, by the rotation protocol: a code is spent like a refresh token. */
import { omitLife } from '../core/session-end.ts'
import type { GrantOutcome, PollOutcome, Prepared } from '../core/authorization-server.ts'
import type { SignInStatus } from '../core/status.ts'
import {
  areDifferent,
  expiresAt,
  type Grant,
  type Sealed,
  type StoredTokens,
  type Subject,
} from '../core/token.ts'
import type { AppState } from './app-state.ts'
import { type ReceivedAnswer, type NotStored, spend } from './rotation.ts'
import { clientSecretsOf, withProvenSecret } from './secrets.ts'
import { withAdvice } from './sign-in-errors.ts'
import { storeAndServe } from './store-and-serve.ts'

/** How a sign-in ended; `pending` only for a device that was polled too early. */
export type SignInEnd = SignInStatus | { readonly status: 'pending'; readonly slowDown: boolean }

export interface Redemption {
  readonly prepare: (clientSecret: Sealed | undefined) => Promise<Prepared<PollOutcome>>
  /** Whether another person than the one who is signed in may sign in. */
  readonly switchUser: boolean
  /** Asked right before the request may leave. */
  readonly isWanted: () => boolean
  /** Whether it becomes the session: not where a sign-in that began later has been taken over. */
  readonly claimSession: () => boolean
}

/**
 * Redeems what a person brought back and makes it the app's session; on any failure the old one
 * stays. It waits for no refresh. Undefined where it is not wanted any more.
 */
export async function takeOverSignIn(
  state: AppState,
  { prepare, switchUser, isWanted, claimSession }: Redemption,
): Promise<SignInEnd | undefined> {
  const refusal = await state.home.refuseSignIn()
  if (refusal) return failed(refusal.code, refusal.message)
  const turn = state.registration.turns.takeAtOnce()
  const concluded = await spend<PollOutcome, Concluded>(state, {
    kind: 'redemption',
    prepare,
    isWanted,
    store: (answered) => conclude(state, answered, { switchUser, claimSession }),
    handleNotReserved: async (result) => ({ end: notReserved(state, result) }),
  }).finally(() => {
    turn.end(false)
  })
  await concluded?.cleanUp?.()
  return concluded?.end
}

interface Concluded {
  readonly end: SignInEnd
  /** Revokes what is not used any more: a request, for which no change of the app should wait. */
  readonly cleanUp?: () => Promise<void>
}

async function conclude(
  state: AppState,
  { outcome, clientSecret }: ReceivedAnswer<PollOutcome>,
  { switchUser, claimSession }: Pick<Redemption, 'switchUser' | 'claimSession'>,
): Promise<Concluded> {
  const { app } = state
  switch (outcome.kind) {
    case 'granted': {
      const { grant } = outcome
      const cleanUp = () => discard(state, grant)
      const other = switchUser ? undefined : otherSubject(state, grant)
      if (other)
        return { end: failed('other_subject', otherSubjectMessage(app.name, other)), cleanUp }
      if (!claimSession()) return { end: failed('cancelled', OUTDONE), cleanUp }
      return takeOver(state, outcome, clientSecret)
    }
    case 'salvaged': {
      // A refresh token without an access token is no sign-in that we could show.
      const { failure, refreshToken } = outcome
      return {
        end: failed(failure.code, failure.message),
        cleanUp: () => discard(state, { refreshToken }),
      }
    }
    case 'pending':
      return { end: { status: 'pending', slowDown: outcome.slowDown } }
    case 'rejected':
    case 'misconfigured':
    case 'unavailable':
      return { end: failed(outcome.failure.code, withAdvice(app, outcome.failure)) }
  }
}

const OUTDONE = 'A newer sign-in of this app was completed.'

async function takeOver(
  state: AppState,
  outcome: Extract<GrantOutcome, { kind: 'granted' }>,
  clientSecret: Sealed | undefined,
): Promise<Concluded> {
  const { grant } = outcome
  const isHome = state.home.fault() === undefined
  if (state.home.fault() === 'elsewhere' && !state.home.sharingOfSignIn()) {
    return { end: failed('vault_changed', VAULT_CHANGED) }
  }
  const { tokens, ...record } = withProvenSecret(state, clientSecret)
  const change = { ...omitLife(record), askedScope: state.app.scopes.join(' ') }
  const stored = await storeAndServe(state, outcome, 'signed-in', change)
  if (stored === 'changed') {
    state.reloadFromRecord()
    return { end: failed('vault_changed', VAULT_CHANGED), cleanUp: () => discard(state, grant) }
  }
  const lost = await state.home.settleSignIn()
  if (lost !== undefined) return { end: failed('vault_changed', lost) }
  // The session before it may live elsewhere, and is not ours to end then.
  const cleanUp = async () => {
    if (isHome) await endBefore(state, tokens, grant)
  }
  return { end: succeeded(state, grant), cleanUp }
}

const VAULT_CHANGED = 'The record of the app changed meanwhile. Sign in again.'

function notReserved(state: AppState, result: NotStored): SignInEnd {
  const failure = result.kind === 'unwritable' ? result.failure : state.ledger.newer
  if (failure) return failed(failure.code, failure.message)
  state.reloadFromRecord()
  return failed('vault_changed', VAULT_CHANGED)
}

export function failed(error: string, message: string): SignInStatus {
  return { status: 'failed', error, message, subject: null, scope: null, expiresAt: null }
}

function succeeded(state: AppState, grant: Grant): SignInStatus {
  const { app, session, deps } = state
  const asked = app.scopes.join(' ')
  return {
    status: 'succeeded',
    error: null,
    message: remarks(state, grant).join(' ') || null,
    subject: grant.subject ? nameOf(grant.subject) : null,
    scope: grant.scope ?? asked,
    expiresAt: session.tokens ? expiresAt(session.tokens, deps.clock.read()) : null,
  }
}

/** What a person should know about a grant that is less than was asked for. */
function remarks({ app, ledger }: AppState, grant: Grant): string[] {
  const remarks: string[] = []
  if (!grant.refreshToken && grant.lifetimeMs !== null) {
    const why = app.scopes.includes('offline_access')
      ? 'although offline_access was asked for (the registration may not allow it)'
      : 'since offline_access is not among the scopes in the config'
    remarks.push(`The server granted no refresh token, ${why}: sign in again when this token ends.`)
  }
  const granted = new Set(grant.scope?.split(' ') ?? app.scopes)
  const missing = app.scopes.filter((scope) => scope !== 'offline_access' && !granted.has(scope))
  if (missing.length > 0) remarks.push(`Not granted: ${missing.join(' ')}.`)
  if (ledger.unstored) {
    remarks.push(
      `The session is in memory only until the disk takes it: ${ledger.unstored.message}`,
    )
  }
  return remarks
}

/** The subject that is signed in now, where the grant is certainly another person's. */
function otherSubject({ home }: AppState, grant: Grant): { was: Subject; is: Subject } | undefined {
  const was = home.subject()
  const is = grant.subject
  return was && is && areDifferent(was, is) ? { was, is } : undefined
}

function otherSubjectMessage(app: string, { was, is }: { was: Subject; is: Subject }): string {
  return `"${app}" is signed in as ${nameOf(was)}; this sign-in was as ${nameOf(is)}. Nothing was changed. To change the person: evo-token login ${app} --switch-user`
}

function nameOf(subject: Subject): string {
  return subject.name ?? subject.id
}

/**
 * Ends the session that a sign-in took the place of, if that was certainly another person's. Servers
 * may hang all sign-ins of one person on one grant: to revoke the older token would end the newer.
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
  state.deps.log.info({ app: state.app.name, revoked }, 'the session of the person before is over')
}

/** Ends what a sign-in brought and is not used; but not the session that stays, where both are on one grant. */
async function discard(
  state: AppState,
  { accessToken, refreshToken, subject }: Partial<Grant>,
): Promise<void> {
  // Servers may hang it on one grant with a session that lives elsewhere.
  if (state.home.fault()) return
  const { tokens } = state.ledger.record
  const { server } = state.registration
  const [secret] = clientSecretsOf(state)
  if (!tokens?.refreshToken || areDifferent(tokens.subject, subject)) {
    if (refreshToken) await server.revoke(refreshToken, 'refresh_token', secret)
    else if (accessToken) await server.revoke(accessToken, 'access_token', secret)
  }
}
