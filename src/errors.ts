/**
 * Failures that a caller or a person can do something about. Anything else that is thrown is a bug:
 * logged with its stack, answered with a bare 500.
 */
import { ERROR_CODES, type ErrorCode } from './core/error-codes.ts'

export { type ErrorCode, rowOf } from './core/error-codes.ts'

/** What is said of a failure, and what to do. */
export interface Words {
  readonly message: string
  readonly hint: string
}

export interface SidecarErrorOptions extends ErrorOptions {
  /** What to do next, where more is known than the code says. */
  readonly hint?: string
  /** How long a caller should wait before it asks again, in milliseconds. */
  readonly retryAfterMs?: number
  /** For the owner alone: with who is signed in and the authorization server's own words. */
  readonly ownerWords?: Words
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
