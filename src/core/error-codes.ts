/**
 * What a request to the daemon, or a command, can fail with. The codes are part of the HTTP and
 * command-line interface: add, never rename.
 */
export interface ErrorCodeRow {
  /** HTTP status. */
  readonly status: number
  /** Exit code of a command that fails with it. */
  readonly exit: number
  /** `title` of the problem document (RFC 9457 §3.1.3). */
  readonly title: string
  /** What to do, where nothing more exact is known. */
  readonly hint: string
}

/** Exit code for a bug (EX_SOFTWARE of sysexits.h). */
export const EXIT_BUG = 70

export const ERROR_CODES = {
  invalid_request: {
    status: 400,
    exit: 2,
    title: 'The request is not valid',
    hint: 'Correct the request.',
  },
  invalid_key: {
    status: 401,
    exit: 6,
    title: 'The access key is missing or wrong',
    hint: 'Send the access key as "Authorization: Bearer evtk_…"; `evo-token caller add NAME` makes one.',
  },
  forbidden: {
    status: 403,
    exit: 6,
    title: 'The request is not allowed',
    hint: 'Ask as a local program, or through the owner socket.',
  },
  unknown_app: {
    status: 404,
    exit: 6,
    title: 'There is no such app',
    hint: 'List the apps with `evo-token status`.',
  },
  not_found: {
    status: 404,
    exit: 1,
    title: 'Not found',
    hint: 'Check the path and the name.',
  },
  method_not_allowed: {
    status: 405,
    exit: 1,
    title: 'The method is not allowed here',
    hint: 'Use a method that the Allow header names.',
  },
  login_required: {
    status: 409,
    exit: 3,
    title: 'A person must sign in',
    hint: 'Sign in with `evo-token login`; `evo-token status` lists the apps.',
  },
  misconfigured: {
    status: 409,
    exit: 7,
    title: 'The app, its registration or its secret has to be corrected',
    hint: 'See `evo-token status` for what to correct.',
  },
  not_home: {
    status: 409,
    exit: 6,
    title: 'Another keeper is the home of the app',
    hint: 'Do it there; or make this keeper the home: `evo-token share move APP`.',
  },
  too_large: { status: 413, exit: 2, title: 'The request is too large', hint: 'Send less.' },
  wrong_host: {
    status: 421,
    exit: 6,
    title: 'The request is meant for another host',
    hint: 'Ask for localhost, 127.0.0.1 or [::1] with the port of the daemon.',
  },
  unavailable: {
    status: 503,
    exit: 5,
    title: 'There is no token at the moment',
    hint: 'Try again shortly; `evo-token status` says why.',
  },
  vault_locked: {
    status: 503,
    exit: 5,
    title: 'The vault is locked',
    hint: 'Unlock the keychain, or see `evo-token status`.',
  },
  record_newer: {
    status: 503,
    exit: 5,
    title: 'A newer version wrote the record',
    hint: 'Install that version again. Nothing is lost: what it wrote is left as it is.',
  },
  stopping: {
    status: 503,
    exit: 5,
    title: 'The daemon is stopping',
    hint: 'Try again when the daemon is back.',
  },
  internal: {
    status: 500,
    exit: 1,
    title: 'The daemon has a bug',
    hint: 'See the log of the daemon.',
  },
  config: {
    status: 400,
    exit: 2,
    title: 'The config is not valid',
    hint: 'Correct the config; `evo-token config check` reads it again.',
  },
  not_running: {
    status: 503,
    exit: 4,
    title: 'The daemon is not running',
    hint: 'Start the daemon with `evo-token serve`.',
  },
  failed: { status: 500, exit: 1, title: 'The command failed', hint: '' },
} as const satisfies Record<string, ErrorCodeRow>

export type ErrorCode = keyof typeof ERROR_CODES

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}

/** The row of a code that a daemon of any version answered with; undefined for one that we do not know. */
export function rowOf(code: string): ErrorCodeRow | undefined {
  return isErrorCode(code) ? ERROR_CODES[code] : undefined
}
