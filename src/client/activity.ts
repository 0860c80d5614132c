/** Entries of the activity, in the daemon's JSON. */
import type { Cause } from '../core/activity.ts'
import { failureOf } from './failures.ts'
import type { JsonObject } from '../core/json-object.ts'

export interface ActivityItem {
  readonly at: string
  readonly app: string | null
  /** One of the kinds in `core/activity.ts`, or one of a later version. */
  readonly kind: string
  readonly caller: string | null
  readonly cause: Cause | null
  readonly duration_ms: number | null
  readonly error: string | null
  readonly fingerprint: string | null
}

export interface ActivityPage {
  readonly items: readonly ActivityItem[]
  /** The `until` of the next page. */
  readonly next: string | null
}

/** @throws {EvoTokenError} `not_running` where the answer is no page of entries. */
export function toActivityPage({ items, next }: JsonObject): ActivityPage {
  if (!Array.isArray(items)) throw failureOf('its answer holds no activity', 'this address')
  return { items: items as ActivityItem[], next: typeof next === 'string' ? next : null }
}
