/** What a person is told at the end of a sign-in. */
import type { SignInStatus } from '../core/status.ts'
import { areDifferent, expiresAt, type Grant, type Subject } from '../core/token.ts'
import type { AppState } from './app-state.ts'

/** How a sign-in ended; `pending` only for a device that was polled too early. */
export type SignInEnd = SignInStatus | { readonly status: 'pending'; readonly slowDown: boolean }

export function toFailedSignIn(error: string, message: string): SignInStatus {
  return { status: 'failed', error, message, subject: null, scope: null, expiresAt: null }
}

export function toSucceededSignIn(state: AppState, grant: Grant): SignInStatus {
  const { app, session, deps } = state
  const asked = app.scopes.join(' ')
  return {
    status: 'succeeded',
    error: null,
    message: findRemarks(state, grant).join(' ') || null,
    subject: grant.subject ? subjectName(grant.subject) : null,
    scope: grant.scope ?? asked,
    expiresAt: session.tokens ? expiresAt(session.tokens, deps.clock.read()) : null,
  }
}

/** What a person should know about a grant that is less than was asked for. */
function findRemarks({ app, ledger }: AppState, grant: Grant): string[] {
  const remarks: string[] = []
  if (!grant.refreshToken && grant.lifetimeMs !== null) {
    const why = app.scopes.includes('offline_access')
      ? 'although offline_access was asked for (the registration may not allow it)'
      : 'since offline_access is not among the scopes in the config'
    remarks.push(
      `The server granted no refresh token, ${why}: sign in again when this token expires.`,
    )
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
export function otherSubject(
  { home }: AppState,
  grant: Grant,
): { was: Subject; is: Subject } | undefined {
  const was = home.subject()
  const is = grant.subject
  return was && is && areDifferent(was, is) ? { was, is } : undefined
}

export function otherSubjectMessage(
  app: string,
  { was, is }: { was: Subject; is: Subject },
): string {
  return `"${app}" is signed in as ${subjectName(was)}; this sign-in was as ${subjectName(is)}. Nothing was changed. To change the person: evo-token login ${app} --switch-user`
}

function subjectName(subject: Subject): string {
  return subject.name ?? subject.id
}
