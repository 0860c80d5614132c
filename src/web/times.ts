/** Instants and lengths of time as a person reads them, in the zone of the browser. */

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  // Of the same width all day.
  hourCycle: 'h23',
})
const DAY = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
})
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

export function clockTime(instant: string): string {
  return CLOCK.format(new Date(instant))
}

export function day(instant: string): string {
  return DAY.format(new Date(instant))
}

export function wholeTime(instant: string): string {
  return WHOLE.format(new Date(instant))
}

/** Rounded down, so that it never promises more than there is. */
export function length(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (seconds < 60) return `${seconds} s`
  if (minutes < 60) return `${minutes} min`
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}

/** `in 5 min`, `3 h ago`. */
export function distance(instant: string, now: number): string {
  const ms = Date.parse(instant) - now
  if (Math.abs(ms) < 1_000) return 'now'
  return ms > 0 ? `in ${length(ms)}` : `${length(-ms)} ago`
}
