/** What happened, as it is kept for people to look at: never a secret, and nothing that a server said. */
import type { Session, SessionEvent } from './session.ts'
import type { Instant } from './token.ts'

export const ACTIVITY_KINDS = [
  'started',
  'stopped',
  /** The machine slept, or its clock was set forward. */
  'slept',
  'config_reloaded',
  'app_added',
  'app_changed',
  'app_removed',
  'caller_added',
  'caller_removed',
  'vault_key_moved',
  'vault_key_rotated',
  'secret_stored',
  /** This keeper became the home of the app, gave it to another, or another took it over. */
  'home_gained',
  'home_given',
  'home_lost',
  'page_opened',
  /** A second visit of the link that opens the page. */
  'page_refused',
  'signed_in',
  'sign_in_failed',
  'signed_out',
  /** The server refuses the session: a person has to sign in again. */
  'session_ended',
  'renewed',
  'renewal_failed',
  /** The first token after failures. */
  'recovered',
] as const

export type ActivityKind = (typeof ACTIVITY_KINDS)[number]

/** Why a token was renewed. */
export const CAUSES = [
  /** It was due. */
  'age',
  'cron',
  /** The wait after a failure was over. */
  'retry',
  /** The answer to the attempt before was lost. */
  'lost_answer',
  /** A caller wanted more life than it had left. */
  'caller',
  /** A caller reported that an API refused it. */
  'report',
  'owner',
] as const

export type Cause = (typeof CAUSES)[number]

export interface Activity {
  /** No two entries share one, so it also tells where a list goes on. */
  readonly at: Instant
  /** Null for what concerns the daemon as a whole. */
  readonly app: string | null
  readonly kind: ActivityKind
  readonly caller: string | null
  readonly cause: Cause | null
  readonly durationMs: number | null
  /** The code of the app's problem. */
  readonly error: string | null
  /** The first 8 hex digits of the access token's SHA-256. */
  readonly fingerprint: string | null
}

/** An entry before it is kept: what it leaves out is null. */
export type Happened = Pick<Activity, 'kind'> & Partial<Omit<Activity, 'at' | 'kind'>>

/** How many tokens a caller got of an app within an hour. */
export interface TokenCount {
  /** When the hour began. */
  readonly hour: Instant
  /** Null in a sum over apps. */
  readonly app: string | null
  /** Null in a sum over callers. */
  readonly caller: string | null
  readonly tokens: number
}

/** Who or what made a renewal begin. */
export interface RenewalCause {
  readonly cause: Cause
  /** The caller, where one did. */
  readonly caller?: string | undefined
}

/** What `event` is to a person who looks, given the session before it; nothing for what is only bookkeeping. */
export function activityKinds(before: Session, event: SessionEvent): readonly ActivityKind[] {
  switch (event.type) {
    case 'granted':
      return hadFailed(before) ? ['renewed', 'recovered'] : ['renewed']
    case 'signed-in':
      return ['signed_in']
    case 'signed-out':
      return ['signed_out']
    case 'rejected':
      return ['session_ended']
    case 'misconfigured':
    case 'unavailable':
      return ['renewal_failed']
    case 'wait-over':
    case 'issuer-answers':
      return []
  }
}

function hadFailed({ status }: Session): boolean {
  return status === 'retrying' || status === 'misconfigured'
}
