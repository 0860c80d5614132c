/** An entry of the activity, as a caller may see it. */
import type { Activity } from '../core/activity.ts'
import type { Instant } from '../core/token.ts'
import { type Caller, mayUse } from './callers.ts'
import type { Door } from './door.ts'

/** A failed sign-in is between the owner and the server, whose own code it may have. */
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

/** Other callers are none of a caller's business. */
export function shownCaller(caller: Caller, door: Door, one: Activity): string | null {
  return door.isOwners || one.caller === caller.name ? one.caller : null
}

/** RFC 3339 in UTC, to the millisecond. */
export function toMoment(at: Instant): string {
  return new Date(at).toISOString()
}
