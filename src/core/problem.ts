/**
 * The one place that decides what is wrong with an app, in which words it is said, and what can be
 * done. HTTP problems, `status`, readiness, notices and the log all say what stands here.
 */
import { type App, needsClientSecret } from './app.ts'
import type { ErrorCode } from './error-codes.ts'
import type { Failure, PastFailure } from './ports.ts'
import {
  type CaseRow,
  caseNamed,
  CASES,
  type CopyCase,
  type ProblemCase,
  type SideCode,
} from './problem-cases.ts'
import { remedyFor } from './remedy.ts'
import { isRenewable } from './renewal-due.ts'
import { isRefused, type Session } from './session.ts'
import { type Instant, type Reading, remainingMs } from './token.ts'

export interface Problem {
  readonly case: ProblemCase
  readonly code: ErrorCode | SideCode
  /** Whether it keeps a token from being served, or from surviving a restart. */
  readonly blocking: boolean
  /** Why the app is not ready, for readiness. */
  readonly reason: string
  readonly callers: Words
  readonly owner: Words
}

export interface Words {
  readonly message: string
  readonly hint: string
}

/** What is known of an app's session: it decides whether a token is served. */
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

/** What is known of an app. */
export interface AppFacts extends SessionFacts {
  /** Scopes of the config that the last sign-in did not ask for. */
  readonly missingScopes: readonly string[]
  /** An API has refused the token, which has no end of its own. */
  readonly isTokenRefused: boolean
  /** When the session ends, where a person should hear of it. */
  readonly endsSoonAt?: Instant | undefined
  /** What is wrong with one of the app's token files. */
  readonly fileFault?: Words | undefined
}

interface Found {
  readonly case: ProblemCase
  readonly details?: string | undefined
  /** In place of the remedy, for the owner. */
  readonly hint?: string
}

/** All that is wrong with the app, the most important first: what blocks its token. Empty where nothing is wrong. */
export function problemsOf(facts: AppFacts): readonly Problem[] {
  const ofSession = problemsOfSession(facts)
  if (facts.newer) return ofSession
  const besides = besidesSession(facts).map((found) => toProblem(facts, found, false))
  const blocking = ofSession.filter((one) => one.blocking)
  return [...blocking, ...ofSession.filter((one) => !one.blocking), ...besides]
}

/** What blocks the app's token, if anything does: the first of `problemsOf`. */
export function whatBlocks(facts: SessionFacts): Problem | undefined {
  return problemsOfSession(facts).find(({ blocking }) => blocking)
}

function problemsOfSession(facts: SessionFacts): readonly Problem[] {
  const { app, session, now, newer, unstored, homeFault } = facts
  if (newer) return [toProblem(facts, { case: 'record_newer' }, true)]
  const isServed = session.tokens !== undefined && remainingMs(session.tokens, now) > 0
  // A service app needs nothing of what is on the disk: its next token comes with its secret.
  const needsDisk = app.type !== 'service'
  const problems: Problem[] = []
  if (homeFault) {
    const { message: details, hint } = homeFault.words ?? {}
    const found = { case: homeFault.case, details, ...(hint !== undefined && { hint }) }
    problems.push(toProblem(facts, found, !isServed))
  }
  const found = inSession(facts, isServed)
  if (found) {
    const isOfDisk = needsDisk && found.case === 'vault_unwritable'
    problems.push(toProblem(facts, found, !isServed || isOfDisk))
  }
  if (unstored && needsDisk) {
    problems.push(toProblem(facts, { case: 'not_stored', details: unstored.message }, true))
  }
  return problems
}

/** No token yet, and a request for one is out. */
export function renewalUnderWay(app: App): Problem {
  return blockingProblem(app, 'renewing')
}

/** Another token is wished for, and only a person could get it. */
export function notRenewable(app: App): Problem {
  return blockingProblem(app, 'not_renewable')
}

/** Why an app whose home is elsewhere has no token here. @param home the name of that keeper. */
export function copyProblem(app: App, found: CopyCase, home: string | undefined): Problem {
  const isOfService = found === 'signed_out_elsewhere' && app.type === 'service'
  return blockingProblem(app, isOfService ? 'secret_forgotten_elsewhere' : found, home)
}

/** A problem that the session does not tell. */
function blockingProblem(app: App, found: ProblemCase, details?: string): Problem {
  const subject = { app: app.name, person: undefined, details }
  const row: CaseRow = CASES[found]
  const hint = remedyFor(app, found)
  return {
    ...common(found, true),
    callers: { message: row.callers(subject), hint },
    owner: { message: (row.owner ?? row.callers)(subject), hint },
  }
}

/** Why no app of a vault that is not open has a token. */
export function lockedProblem(app: App, message: string, hint: string): Problem {
  const subject = { app: app.name, person: undefined, details: message }
  return {
    ...common('vault_locked', true),
    callers: { message: CASES.vault_locked.callers(), hint: remedyFor(app, 'vault_locked') },
    owner: { message: CASES.vault_locked.owner(subject), hint },
  }
}

function inSession({ app, session }: SessionFacts, isServed: boolean): Found | undefined {
  switch (session.status) {
    case 'signed-out':
      if (app.type === 'service') {
        return { case: needsClientSecret(app) ? 'secret_forgotten' : 'service_signed_out' }
      }
      if (!session.error) return { case: 'signed_out' }
      return { case: endOf(session.error), details: session.error.message }
    case 'active':
      if (isServed) return undefined
      return { case: isRenewable(app, session) ? 'renewing' : 'token_ended' }
    case 'retrying':
      return { case: retriedFor(session), details: session.error.message }
    case 'misconfigured':
      return { case: refusalOf(session.error), details: session.error.message }
  }
}

function besidesSession(facts: AppFacts): readonly Found[] {
  const { app, session, missingScopes, endsSoonAt, fileFault, isTokenRefused } = facts
  const refused = isRenewable(app, session) ? 'token_refused' : 'last_token_refused'
  const found: readonly (Found | false | undefined)[] = [
    isTokenRefused && { case: refused },
    fileFault && { case: 'file_unwritable', details: fileFault.message, hint: fileFault.hint },
    missingScopes.length > 0 && { case: 'scope_changed', details: missingScopes.join(' ') },
    endsSoonAt !== undefined && { case: 'session_expires', details: toLocal(endsSoonAt) },
  ]
  return found.filter((one): one is Found => one !== undefined && one !== false)
}

/** Why a session has ended. */
function endOf({ code }: PastFailure): ProblemCase {
  const known = caseNamed(code)
  return known && CASES[known].code === 'login_required' ? known : 'invalid_grant'
}

function retriedFor(session: Extract<Session, { status: 'retrying' }>): ProblemCase {
  if (isRefused(session)) return 'refresh_refused'
  return session.error.code === 'vault_unwritable' ? 'vault_unwritable' : 'unavailable'
}

/** Why no token is issued to the app. */
function refusalOf({ code }: PastFailure): ProblemCase {
  const known = caseNamed(code)
  return known && CASES[known].code === 'misconfigured' ? known : 'app_refused'
}

function toProblem({ app, session }: SessionFacts, found: Found, blocking: boolean): Problem {
  const { tokens } = session
  const subject = {
    app: app.name,
    person: tokens?.subject?.name ?? tokens?.subject?.id,
    details: found.details,
  }
  const row: CaseRow = CASES[found.case]
  const rest = blocking || !isAboutSession(row) ? '' : ' Its token is still good.'
  const hint = remedyFor(app, found.case)
  return {
    ...common(found.case, blocking),
    callers: { message: `${row.callers(subject)}${rest}`, hint },
    owner: {
      message: `${(row.owner ?? row.callers)(subject)}${rest}`,
      hint: found.hint ?? hint,
    },
  }
}

function common(name: ProblemCase, blocking: boolean) {
  const row: CaseRow = CASES[name]
  return { case: name, code: row.code, blocking, reason: row.reason ?? row.code }
}

function isAboutSession({ code }: CaseRow): boolean {
  return code === 'login_required' || code === 'misconfigured' || code === 'unavailable'
}

/** For the owner, at this machine: its own time zone, to the minute. */
function toLocal(instant: Instant): string {
  return new Date(instant).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' })
}
