/**
 * Failures that a caller or a person can do something about. Anything else that
 * is thrown is a bug: logged with its stack, answered with a bare 500.
 *
 * The codes are part of the HTTP and command-line interface: add, never rename.
 */
const CATALOGUE = {
  invalid_request: { status: 400, exit: 2, hint: 'Correct the request.' },
  invalid_key: {
    status: 401,
    exit: 6,
    hint: 'Send the access key as "Authorization: Bearer evtk_…"; `evo-token caller add NAME` makes one.',
  },
  forbidden: { status: 403, exit: 6, hint: 'Ask as a local program, or through the owner socket.' },
  unknown_app: { status: 404, exit: 6, hint: 'List the apps with `evo-token status`.' },
  not_found: { status: 404, exit: 1, hint: 'Check the path and the name.' },
  method_not_allowed: { status: 405, exit: 1, hint: 'Use a method that the Allow header names.' },
  login_required: { status: 409, exit: 3, hint: 'Sign in with `evo-token login APP`.' },
  misconfigured: { status: 409, exit: 7, hint: 'See `evo-token status APP` for what to mend.' },
  too_large: { status: 413, exit: 2, hint: 'Send less.' },
  wrong_host: {
    status: 421,
    exit: 6,
    hint: 'Ask for localhost, 127.0.0.1 or [::1] with the port of the daemon.',
  },
  unavailable: {
    status: 503,
    exit: 5,
    hint: 'Try again shortly; `evo-token status APP` says why.',
  },
  vault_locked: { status: 503, exit: 5, hint: 'Unlock the keychain, or see `evo-token status`.' },
  record_newer: {
    status: 503,
    exit: 5,
    hint: 'Install that version again. Nothing is lost: what it wrote is left as it is.',
  },
  stopping: { status: 503, exit: 5, hint: 'The daemon is stopping; try again when it is back.' },
  internal: { status: 500, exit: 1, hint: 'See the log of the daemon.' },
  config: {
    status: 400,
    exit: 2,
    hint: 'Correct the config; `evo-token config check` reads it again.',
  },
  not_running: { status: 503, exit: 4, hint: 'Start the daemon with `evo-token serve`.' },
  failed: { status: 500, exit: 1, hint: '' },
} as const satisfies Record<string, { status: number; exit: number; hint: string }>

export type ErrorCode = keyof typeof CATALOGUE

export interface SidecarErrorOptions extends ErrorOptions {
  /** What to do next, where it can be said better than the catalogue does. */
  readonly hint?: string
  /** How long a caller should wait before it asks again, in milliseconds. */
  readonly retryAfterMs?: number
}

export class SidecarError extends Error {
  override readonly name = 'SidecarError'
  readonly code: ErrorCode
  readonly hint: string
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: SidecarErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.hint = options.hint ?? CATALOGUE[code].hint
    this.retryAfterMs = options.retryAfterMs
  }

  /** The HTTP status this failure is answered with. */
  get status(): number {
    return CATALOGUE[this.code].status
  }

  /** The exit code of a command that failed with it. */
  get exitCode(): number {
    return CATALOGUE[this.code].exit
  }
}

/** What to do about a problem code; empty for one that we do not know. */
export function hintOf(code: string): string {
  return Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code as ErrorCode].hint : ''
}

/** The exit code for a problem code that the daemon answered with; 1 for one that we do not know. */
export function exitCodeOf(code: string): number {
  return Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code as ErrorCode].exit : 1
}
