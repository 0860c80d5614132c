/** Lengths of time, in milliseconds, and how people are told of them. */

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** Rounded down, so that it never says more than is left. */
export function inLargeUnits(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(ms / MINUTE_MS)
  const hours = Math.floor(ms / HOUR_MS)
  if (seconds < 60) return `${seconds} s`
  if (minutes < 60) return `${minutes} min`
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(ms / DAY_MS)} days`
}

/** `in 5 min`, `3 h ago`. */
export function distanceTo(instant: string, now: number): string {
  const ms = Date.parse(instant) - now
  if (Math.abs(ms) < 1000) return 'now'
  return ms > 0 ? `in ${inLargeUnits(ms)}` : `${inLargeUnits(-ms)} ago`
}
