/**
 * How many requests that spend a token may be out to one issuer. A kill loses the sessions whose
 * answers are under way, so as a rule there is one: a start, a wake or an outage makes many apps due
 * at once, and a kill would lose them all. Only for a slow server is it worth risking more.
 */

/** A request that has been out for longer than this does not hold up the next one. */
export const SLOW_REQUEST_MS = 2_000

/** All waiting requests should be sent within this time. */
const QUEUE_TARGET_MS = 10_000

/** More would look like an attack to the server, when a laptop with a hundred apps wakes up. */
export const MOST_OUT = 8

export interface TurnState {
  /** How long each request has been out, in milliseconds. */
  readonly outForMs: readonly number[]
  readonly waiting: number
  /** How long a request takes lately, from its turn to its stored answer; 0 where that is not known. */
  readonly usualMs: number
}

export function mayLeave({ outForMs, waiting, usualMs }: TurnState): boolean {
  if (outForMs.length >= MOST_OUT) return false
  const young = outForMs.filter((ms) => ms < SLOW_REQUEST_MS).length
  return young < Math.max(1, Math.ceil((waiting * usualMs) / QUEUE_TARGET_MS))
}

/** The usual duration after a request that took `tookMs`: it rises quickly and falls slowly. */
export function usualAfter(usualMs: number, tookMs: number): number {
  const weight = tookMs > usualMs ? 1 / 2 : 1 / 8
  return usualMs + (tookMs - usualMs) * weight
}
