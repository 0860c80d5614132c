/** What happened, kept for people to look at: no secret, and no words of an authorization server. */
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
export const RENEWAL_CAUSES = [
  /** It was due. */
  'age',
  'cron',
  /** The wait after a failure was over. */
  'retry',
  /** The answer to the previous attempt was lost. */
  'lost_answer',
  /** A caller asked for more remaining life than the token had (`min_ttl`). */
  'caller',
  /** A caller reported that an API refused it. */
  'report',
  'owner',
] as const

export type Cause = (typeof RENEWAL_CAUSES)[number]

export interface Activity {
  /** Unique among the entries, so it is also the cursor of a list. */
  readonly at: Instant
  /** Null where the entry is about the daemon as a whole. */
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
export type NewActivity = Pick<Activity, 'kind'> & Partial<Omit<Activity, 'at' | 'kind'>>

/** How many tokens a caller got of an app within an hour. */
export interface TokenCount {
  /** When the hour began. */
  readonly hour: Instant
  /** Null in a sum over apps, and in the remainder that a full day counts for all apps together. */
  readonly app: string | null
  /** Null in a sum over callers, and in the remainder of a full day. */
  readonly caller: string | null
  readonly tokens: number
}

/** Why a renewal began, and for which caller. */
export interface RenewalCause {
  readonly cause: Cause
  /** The caller that asked for it, if one did. */
  readonly caller?: string | undefined
}

/** The kinds of entries that `event` makes, given the session before it; none for bookkeeping. */
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
