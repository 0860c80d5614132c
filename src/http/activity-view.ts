/** Turns entries of the activity into JSON, and decides which of them a caller may see. */
import type { Activity } from '../core/activity.ts'
import type { Instant } from '../core/token.ts'
import { type Caller, mayUse } from './callers.ts'
import type { Door } from './door.ts'

/** Callers do not see failed sign-ins, which may have a code of the authorization server. */
export function maySee(caller: Caller, door: Door, { app, kind }: Activity): boolean {
  if (door.isOwners) return true
  return app !== null && kind !== 'sign_in_failed' && mayUse(caller, app)
}

export function toActivityJson(one: Activity, caller: Caller, door: Door) {
  return {
    at: toMoment(one.at),
    app: one.app,
    kind: one.kind,
    caller: shownCaller(caller, door, one),
    cause: one.cause,
    duration_ms: one.durationMs,
    error: one.error,
    fingerprint: one.fingerprint,
  }
}

/** The name of the caller of an entry; null for another one than who asks, unless that is the owner. */
export function shownCaller(caller: Caller, door: Door, one: Activity): string | null {
  return door.isOwners || one.caller === caller.name ? one.caller : null
}

/** RFC 3339 in UTC, to the millisecond. */
export function toMoment(at: Instant): string {
  return new Date(at).toISOString()
}
