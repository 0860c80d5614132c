/** Instants and durations as text for people, in the browser's time zone. */

interface Formats {
  readonly clock: Intl.DateTimeFormat
  readonly day: Intl.DateTimeFormat
  readonly whole: Intl.DateTimeFormat
}

/** Created on demand or by `prepareTimes`: the first one takes a whole frame. */
let timeFormats: Formats | undefined

export function prepareTimes(): Formats {
  timeFormats ??= {
    clock: new Intl.DateTimeFormat(undefined, {
      hour: '2-digit',
      minute: '2-digit',
      // Of the same width all day.
      hourCycle: 'h23',
    }),
    day: new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' }),
    whole: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' }),
  }
  return timeFormats
}

export function formatClockTime(instant: string): string {
  return prepareTimes().clock.format(new Date(instant))
}

export function formatDay(instant: string): string {
  return prepareTimes().day.format(new Date(instant))
}

export function wholeTime(instant: string): string {
  return prepareTimes().whole.format(new Date(instant))
}
