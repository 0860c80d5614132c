/**
 * How long a request may take, in time that this process was awake for. One that was stopped, or on
 * a machine that slept or swapped, first reads what came meanwhile, and knows how old that may be.
 */
import type { Clock } from '../../core/ports.ts'
import type { Reading } from '../../core/token.ts'

export interface TimeLimit {
  /** Aborted, as a time-out, when the limit is over. */
  readonly signal: AbortSignal
  /** What has just been read cannot have arrived before this: we were awake then, and it was not there. */
  readonly notBefore: () => Reading
  readonly end: () => void
}

export type StartTimeLimit = (ms: number) => TimeLimit

const TICK_MS = 250

/** A short limit has to be kept to, too. */
const TICKS_MIN = 8

/** An answer may take a few turns of the event loop to be read after a wake. */
const TICKS_REMEMBERED = 4

export function createTimeLimits(clock: Clock): StartTimeLimit {
  return (ms) => {
    const controller = new AbortController()
    const tickMs = Math.min(TICK_MS, ms / TICKS_MIN)
    const awake = [clock.read()]
    let leftMs = ms
    const ticker = setInterval(() => {
      const now = clock.read()
      const sinceMs = now.mono - (awake.at(-1)?.mono ?? now.mono)
      awake.push(now)
      if (awake.length > TICKS_REMEMBERED) awake.shift()
      // A tick that comes late was held up, and whatever arrived meanwhile is read right after it.
      leftMs -= Math.min(sinceMs, 2 * tickMs)
      if (leftMs <= 0 && sinceMs < 2 * tickMs) {
        controller.abort(new DOMException('The operation timed out', 'TimeoutError'))
      }
    }, tickMs)
    return {
      signal: controller.signal,
      notBefore: () => awake[0] ?? clock.read(),
      end: () => {
        clearInterval(ticker)
      },
    }
  }
}
