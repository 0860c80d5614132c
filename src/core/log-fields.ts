/**
 * The fields that a line of the log may have. A new one is added here, with what it says. None may
 * hold a secret; the logger looks again at every line (`adapters/log/logger.ts`).
 */
export interface LogFields {
  readonly app?: string | undefined
  /** How many apps are configured. */
  readonly apps?: number
  readonly caller?: string | undefined
  readonly issuer?: string
  /** Whether an earlier copy of its metadata is at hand. */
  readonly known?: boolean
  /** The code of a failure. */
  readonly error?: string
  /** What was thrown: a bug, or what a library or the system says. */
  readonly err?: unknown
  /** What a person is needed for, as notices name it. */
  readonly need?: string
  /** What can be done about it. */
  readonly hint?: string
  readonly reason?: string

  /** What happened to a session, and what it is now. */
  readonly event?: string
  readonly session?: string
  /** How a sign-in stands. */
  readonly signIn?: string
  /** The fingerprint of an access token: of the session's newest, and of one that is handed out. */
  readonly token?: string | undefined
  readonly fingerprint?: string
  /** How long it took, in milliseconds. */
  readonly ms?: number
  /** The fingerprint of a client secret. */
  readonly secret?: string
  readonly outcome?: string
  /** Whether the server confirmed that it has revoked a token. */
  readonly revoked?: boolean
  /** A step of the rotation protocol, and what came of storing. */
  readonly step?: string
  readonly result?: string
  /** How the two clocks went since the last heartbeat. */
  readonly clocks?: string

  readonly url?: string
  readonly socket?: string | undefined
  readonly port?: number
  /** Databases that sessions are shared through. */
  readonly hosts?: readonly string[]
  readonly host?: string
  /** Whose connection it is, as the kernel says. */
  readonly peer?: object
  /** A request that was refused, or met a bug. */
  readonly door?: string
  readonly method?: string | undefined
  readonly path?: string | undefined
  /** A limit that was reached. */
  readonly max?: number
  /** How many files the daemon may have open. */
  readonly openFiles?: number | undefined
  /** Where the owner socket was. */
  readonly gone?: string | undefined
  /** The version that runs, and the one whose files are there now. */
  readonly running?: string
  readonly installed?: string | undefined

  readonly dir?: string
  readonly file?: string
  readonly setting?: string
  /** Where the key of the vault is. */
  readonly source?: string
}
