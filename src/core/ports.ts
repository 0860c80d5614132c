/**
 * What the broker needs from the world. The ports are here and in `authorization-server.ts`,
 * `vault.ts`, `redirect-listener.ts` and `registration.ts`; each is implemented once, outside of `core/`.
 *
 * Expected failures are values in all of them; a promise that rejects is a bug, or a
 * `SidecarError` that the caller gets unchanged.
 */
import type { LogFields } from './log-fields.ts'
import type { Instant, Reading, UnknownMembers } from './token.ts'

export interface Clock {
  read(): Reading
}

/** The part of pino that we use. */
export interface Log {
  trace(fields: LogFields, message: string): void
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** Why something did not work: a stable code and a sentence, the authorization server's own where it has one. */
export interface Failure {
  /** An OAuth error code, or one of ours (`unavailable`, `answer_lost`, `vault_unwritable`, …). */
  readonly code: string
  readonly message: string
}

/** A failure that `status` still shows. */
export interface PastFailure extends Failure, UnknownMembers {
  readonly at: Instant
}
