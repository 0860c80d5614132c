/**
 * Failures that a caller or a person can act on. Anything else that is thrown is a bug: it is logged with its stack,
 * and answered with 500 without detail.
 */
import { ERROR_CODES, type ErrorCode } from './core/error-codes.ts'
import type { Words } from './core/case-row.ts'

export { type ErrorCode, rowOf } from './core/error-codes.ts'

export interface SidecarErrorOptions extends ErrorOptions {
  /** What to do, where more is known than the hint of the code. */
  readonly hint?: string
  /** How long a caller should wait before it asks again, in milliseconds. */
  readonly retryAfterMs?: number
  /** The words for the owner, which may name who is signed in and quote the authorization server. */
  readonly ownerWords?: Words
}

/** The `code` of an error of Node, of a library or of ours; undefined where it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

export class SidecarError extends Error {
  override readonly name = 'SidecarError'
  readonly code: ErrorCode
  readonly hint: string
  readonly retryAfterMs: number | undefined
  readonly ownerWords: Words | undefined

  constructor(code: ErrorCode, message: string, options: SidecarErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.hint = options.hint ?? ERROR_CODES[code].hint
    this.retryAfterMs = options.retryAfterMs
    this.ownerWords = options.ownerWords
  }

  /** HTTP status for this error. */
  get status(): number {
    return ERROR_CODES[this.code].status
  }

  /** Exit code for this error. */
  get exitCode(): number {
    return ERROR_CODES[this.code].exit
  }
}
