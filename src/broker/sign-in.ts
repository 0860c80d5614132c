/** Taking over the tokens of a sign-in. Runs in the app's queue. */
import { withoutLife } from '../core/foreseen.ts'
import type { GrantOutcome, Spending } from '../core/ports.ts'
import type { SignInStatus } from '../core/status.ts'
import { expiresAt, type Grant, type StoredTokens, type Subject } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import { NotReserved, spending } from './renewal.ts'
import { withClientSecrets } from './secrets.ts'
import { withAdvice } from './sign-in-errors.ts'

/** How a sign-in ended; `pending` only for a device that was polled too early. */
export type SignInEnd = SignInStatus | { readonly status: 'pending'; readonly slowDown: boolean }

export type SignInOutcome = GrantOutcome | { readonly kind: 'pending'; readonly slowDown: boolean }

/** Redeems what a person brought back and makes it the app's session; on any failure the old one stays. */
export async function takeOverSignIn(
  state: AppState,
  request: (spending: Spending) => Promise<SignInOutcome>,
  { switchUser }: { readonly switchUser: boolean },
): Promise<SignInEnd> {
  const { app, ledger } = state
  try {
    const { outcome, change } = await withClientSecrets(state, (secret) =>
      request(spending(state, secret)),
    )
    switch (outcome.kind) {
      case 'granted': {
        const other = switchUser ? undefined : otherSubject(state, outcome.grant)
        if (other) {
          await discard(state, outcome.grant)
          return failed('other_subject', otherSubjectMessage(app.name, other))
        }
        const { tokens, ...record } = change
        const changed = { ...withoutLife(record), askedScope: app.scopes.join(' ') }
        const stored = await state.adopt(outcome, 'signed-in', changed)
        if (stored !== 'changed') {
          await endBefore(state, tokens, outcome.grant)
          return succeeded(state, outcome.grant)
        }
        await discard(state, outcome.grant)
        state.readopt()
        return failed('vault_changed', 'The record of the app changed meanwhile. Sign in again.')
      }
      case 'salvaged':
        // A refresh token without an access token is no sign-in that we could show.
        await discard(state, { refreshToken: outcome.refreshToken })
        return failed(outcome.failure.error, outcome.failure.message)
      case 'pending':
        await ledger.release()
        return { status: 'pending', slowDown: outcome.slowDown }
      case 'rejected':
      case 'misconfigured':
      case 'unavailable':
        await ledger.release()
        return failed(outcome.failure.error, withAdvice(app, outcome.failure))
    }
  } catch (error) {
    if (!(error instanceof NotReserved)) throw error
    const { result } = error
    return result.kind === 'changed'
      ? failed('vault_changed', 'The record of the app changed meanwhile. Sign in again.')
      : failed(result.failure.error, result.failure.message)
  }
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

/** The subject that is signed in now, where the grant is certainly somebody else's. */
function otherSubject(
  { ledger }: AppState,
  grant: Grant,
): { was: Subject; is: Subject } | undefined {
  const was = ledger.record.tokens?.subject
  const is = grant.subject
  return was && is && areDifferent(was, is) ? { was, is } : undefined
}

function areDifferent(one: Subject | undefined, other: Subject | undefined): boolean {
  return one !== undefined && other !== undefined && one.id !== other.id
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
  const [secret] = state.clientSecrets()
  const { server } = state.registration
  const revoked = await server.revoke(before.refreshToken, 'refresh_token', secret)
  state.deps.log.info({ app: state.app.name, revoked }, 'the session of the person before is over')
}

/** Ends what a sign-in brought and nobody will use; but not with it, on the same grant, the session that stays. */
async function discard(
  state: AppState,
  { accessToken, refreshToken, subject }: Partial<Grant>,
): Promise<void> {
  const { tokens } = state.ledger.record
  const { server } = state.registration
  const [secret] = state.clientSecrets()
  if (!tokens?.refreshToken || areDifferent(tokens.subject, subject)) {
    if (refreshToken) await server.revoke(refreshToken, 'refresh_token', secret)
    else if (accessToken) await server.revoke(accessToken, 'access_token', secret)
  }
  await state.ledger.release()
}
