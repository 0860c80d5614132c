/** Decides which case it is: what is wrong with an app, from its session and what else is known of it. */
import { type App, needsClientSecret } from './app.ts'
import type { Failure, PastFailure } from './ports.ts'
import type { Words } from './case-row.ts'
import { caseNamed, CASES, type ProblemCase } from './problem-cases.ts'
import { isRenewable } from './renewal-due.ts'
import { isRefused, type Session } from './session.ts'
import type { Instant, Reading } from './token.ts'

/** What is known about an app's session: it decides whether a token is served. */
export interface SessionFacts {
  readonly app: App
  readonly session: Session
  readonly now: Reading
  /** A newer version wrote the record. */
  readonly newer: boolean
  /** Why the newest record is in memory only. */
  readonly unstored?: Failure | undefined
  /** Why nothing of the app may be spent here, where it is shared with other hosts. */
  readonly homeFault?:
    | { readonly case: 'not_confirmed' | 'still_shared'; readonly words: Words | undefined }
    | undefined
}

/** What is known about an app. */
export interface AppFacts extends SessionFacts {
  /** Scopes of the config that the last sign-in did not ask for. */
  readonly missingScopes: readonly string[]
  /** An API has refused the token, which does not expire. */
  readonly isTokenRefused: boolean
  /** When the session ends, where a person should hear of it. */
  readonly endsSoonAt?: Instant | undefined
  /** What is wrong with one of the app's token files. */
  readonly fileFault?: Words | undefined
}

/** One row of `problem-cases.ts`, found in what is known of an app. */
export interface FoundCase {
  readonly case: ProblemCase
  readonly details?: string | undefined
  /** In place of the remedy, for the owner. */
  readonly hint?: string
}

/** What keeps the app's token from callers, or will when it ends; undefined where nothing does. */
export function caseOfSession(
  { app, session }: SessionFacts,
  isServed: boolean,
): FoundCase | undefined {
  switch (session.status) {
    case 'signed-out':
      if (app.type === 'service') {
        return { case: needsClientSecret(app) ? 'secret_forgotten' : 'service_signed_out' }
      }
      if (!session.error) return { case: 'signed_out' }
      return { case: caseOfEnd(session.error), details: session.error.message }
    case 'active':
      if (isServed) return undefined
      return { case: isRenewable(app, session) ? 'renewing' : 'token_ended' }
    case 'retrying':
      return { case: retriedFor(session), details: session.error.message }
    case 'misconfigured':
      return { case: caseOfRefusal(session.error), details: session.error.message }
  }
}

/** What else is wrong with the app, whatever its session is. */
export function casesBesides(facts: AppFacts): readonly FoundCase[] {
  const { app, session, missingScopes, endsSoonAt, fileFault, isTokenRefused } = facts
  const refused = isRenewable(app, session) ? 'token_refused' : 'last_token_refused'
  const found: readonly (FoundCase | false | undefined)[] = [
    isTokenRefused && { case: refused },
    fileFault && { case: 'file_unwritable', details: fileFault.message, hint: fileFault.hint },
    missingScopes.length > 0 && { case: 'scope_changed', details: missingScopes.join(' ') },
    endsSoonAt !== undefined && { case: 'session_expires', details: toLocal(endsSoonAt) },
  ]
  return found.filter((one): one is FoundCase => one !== undefined && one !== false)
}

/** Why a session has ended. */
function caseOfEnd({ code }: PastFailure): ProblemCase {
  const known = caseNamed(code)
  return known && CASES[known].code === 'login_required' ? known : 'invalid_grant'
}

function retriedFor(session: Extract<Session, { status: 'retrying' }>): ProblemCase {
  if (isRefused(session)) return 'refresh_refused'
  return session.error.code === 'vault_unwritable' ? 'vault_unwritable' : 'unavailable'
}

/** Why no token is issued to the app. */
function caseOfRefusal({ code }: PastFailure): ProblemCase {
  const known = caseNamed(code)
  return known && CASES[known].code === 'misconfigured' ? known : 'app_refused'
}

/** For the owner at this machine: in its time zone, to the minute. */
function toLocal(instant: Instant): string {
  return new Date(instant).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' })
}
