/** The type of the rows in `problem-cases.ts`, and sentences that several of them share. */
import type { ErrorCode } from './error-codes.ts'

/** What the sentences are about. */
export interface CaseFacts {
  readonly app: string
  /** Who is signed in; undefined where that is not known. */
  readonly person: string | undefined
  /** The authorization server's own words, or a sentence of ours that names its host; undefined without one. */
  readonly details: string | undefined
}

/** What is wrong, and what to do. */
export interface Words {
  readonly message: string
  readonly hint: string
}

/** Codes of problems that block no token; no request fails with them. */
export type SideCode = 'token_refused' | 'scope_changed' | 'session_expires' | 'file_unwritable'

export interface CaseRow {
  /** The code of the problem that a caller gets. */
  readonly code: ErrorCode | SideCode
  /** The `reason` of readiness, where it says more than the code. */
  readonly reason?: string
  readonly callers: (subject: CaseFacts) => string
  /** As `callers` where it is left out. */
  readonly owner?: (subject: CaseFacts) => string
}

/** The server has ended the session, or demands that a person sign in. */
export const toEndedRow = (how: string): CaseRow => ({
  code: 'login_required',
  callers: ({ app }) => `The authorization server ${how} "${app}".`,
  owner: ({ app, person, details }) =>
    `The authorization server ${how} "${app}"${person === undefined ? '' : ` for ${person}`}${quoteWords(details)}.`,
})

/** The server issues no token to the app as it is. */
export const toRefusedRow = (why: string): CaseRow => ({
  code: 'misconfigured',
  callers: ({ app }) => `No token is issued to "${app}": the authorization server ${why}.`,
  owner: ({ app, details }) =>
    details === undefined
      ? `No token is issued to "${app}": the authorization server ${why}.`
      : `No token is issued to "${app}": ${asEnd(details)}`,
})

/** Where the details say all that the owner has to know. */
export const ownWords = ({ details }: CaseFacts): string => asEnd(details ?? '')

/** Ends a message, which may be a server's, as a sentence. */
export function asEnd(message: string): string {
  return message.replace(/[^.!?…]$/, '$&.')
}

/** The words of a server, quoted at the end of a sentence. */
export function quoteWords(details: string | undefined): string {
  return details === undefined ? '' : `: "${details.replace(/[.\s]+$/, '')}"`
}
