/**
 * What is wrong with an app, the most important first, in which words it is said, and what can be done.
 * HTTP problems, `status`, readiness, notices and the log all say what stands here.
 */
import { type App, needsClientSecret } from './app.ts'
import type { CaseRow, SideCode, Words } from './case-row.ts'
import type { ErrorCode } from './error-codes.ts'
import {
  type AppFacts,
  caseOfSession,
  casesBesides,
  type FoundCase,
  type SessionFacts,
} from './find-cases.ts'
import { CASES, type CopyCase, type NotRestoredCase, type ProblemCase } from './problem-cases.ts'
import { remedyFor } from './remedy.ts'
import { remainingMs } from './token.ts'

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

/** All that is wrong with the app, the most important first: what blocks its token. Empty where nothing is wrong. */
export function problemsOf(facts: AppFacts): readonly Problem[] {
  const ofSession = problemsOfSession(facts)
  if (facts.newer) return ofSession
  const besides = casesBesides(facts).map((found) => toAppProblem(facts, found, false))
  const blocking = ofSession.filter((one) => one.blocking)
  return [...blocking, ...ofSession.filter((one) => !one.blocking), ...besides]
}

/** What blocks the app's token, if anything does: the first of `problemsOf`. */
export function whatBlocks(facts: SessionFacts): Problem | undefined {
  return problemsOfSession(facts).find(({ blocking }) => blocking)
}

function problemsOfSession(facts: SessionFacts): readonly Problem[] {
  const { app, session, now, newer, unstored, homeFault } = facts
  if (newer) return [toAppProblem(facts, { case: 'record_newer' }, true)]
  const isServed = session.tokens !== undefined && remainingMs(session.tokens, now) > 0
  // A service app needs no record: its next token comes with its secret.
  const needsDisk = app.type !== 'service'
  const problems: Problem[] = []
  if (homeFault) {
    const { message: details, hint } = homeFault.words ?? {}
    const found = { case: homeFault.case, details, ...(hint !== undefined && { hint }) }
    problems.push(toAppProblem(facts, found, !isServed))
  }
  const found = caseOfSession(facts, isServed)
  if (found) {
    const isOfDisk = needsDisk && found.case === 'vault_unwritable'
    problems.push(toAppProblem(facts, found, !isServed || isOfDisk))
  }
  if (unstored && needsDisk) {
    problems.push(toAppProblem(facts, { case: 'not_stored', details: unstored.message }, true))
  }
  return problems
}

/** No token yet, and a request for one is out. */
export function renewalUnderWay(app: App): Problem {
  return blockingProblem(app, 'renewing')
}

/** The owner asks for another token, and only a sign-in can get it. */
export function notRenewable(app: App): Problem {
  return blockingProblem(app, 'not_renewable')
}

/** Why an app whose home is elsewhere has no token here. @param home the name of that keeper. */
export function copyProblem(app: App, found: CopyCase, home: string | undefined): Problem {
  const precisely = found === 'signed_out_elsewhere' ? signedOutElsewhere(app) : found
  return blockingProblem(app, precisely, home)
}

/** As `signed-out` in `caseOfSession`, for an app whose home is another keeper. */
function signedOutElsewhere(app: App): CopyCase {
  if (app.type !== 'service') return 'signed_out_elsewhere'
  return needsClientSecret(app) ? 'secret_forgotten_elsewhere' : 'service_signed_out_elsewhere'
}

/** A problem that is not read from the session. */
function blockingProblem(app: App, found: ProblemCase, details?: string): Problem {
  const subject = { app: app.name, person: undefined, details }
  const row: CaseRow = CASES[found]
  const hint = remedyFor(app, found)
  return {
    ...describeCase(found, true),
    callers: { message: row.callers(subject), hint },
    owner: { message: (row.owner ?? row.callers)(subject), hint },
  }
}

/** Why an app has no token while its record has not been read; `words` are for the owner. */
export function problemBeforeSession(app: App, found: NotRestoredCase, words: Words): Problem {
  const subject = { app: app.name, person: undefined, details: words.message }
  const row = CASES[found]
  return {
    ...describeCase(found, true),
    callers: { message: row.callers(subject), hint: remedyFor(app, found) },
    owner: { message: row.owner(subject), hint: words.hint },
  }
}

function toAppProblem(
  { app, session }: SessionFacts,
  found: FoundCase,
  blocking: boolean,
): Problem {
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
    ...describeCase(found.case, blocking),
    callers: { message: `${row.callers(subject)}${rest}`, hint },
    owner: {
      message: `${(row.owner ?? row.callers)(subject)}${rest}`,
      hint: found.hint ?? hint,
    },
  }
}

function describeCase(name: ProblemCase, blocking: boolean) {
  const row: CaseRow = CASES[name]
  return { case: name, code: row.code, blocking, reason: row.reason ?? row.code }
}

function isAboutSession({ code }: CaseRow): boolean {
  return code === 'login_required' || code === 'misconfigured' || code === 'unavailable'
}
