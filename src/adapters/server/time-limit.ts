/**
 * Limits the time of a request, counting only time in which this process ran: after the process was
 * stopped, or the machine slept or swapped, it first reads what arrived meanwhile.
 */
import type { Clock } from '../../core/ports.ts'

export interface TimeLimit {
  /** Aborted, as a time-out, when the limit is over. */
  readonly signal: AbortSignal
  readonly end: () => void
}

export type StartTimeLimit = (ms: number) => TimeLimit

const LIMIT_TICK_MS = 250

/** For short limits: at least so many ticks. */
const TICKS_MIN = 8

export function createTimeLimits(clock: Clock): StartTimeLimit {
  return (ms) => {
    const controller = new AbortController()
    const tickMs = Math.min(LIMIT_TICK_MS, ms / TICKS_MIN)
    let tickedAt = clock.read().mono
    let leftMs = ms
    const ticker = setInterval(() => {
      const { mono } = clock.read()
      const sinceMs = mono - tickedAt
      tickedAt = mono
      // A tick that comes late was held up, and whatever arrived meanwhile is read right after it.
      leftMs -= Math.min(sinceMs, 2 * tickMs)
      if (leftMs <= 0 && sinceMs < 2 * tickMs) {
        controller.abort(new DOMException('The operation timed out', 'TimeoutError'))
      }
    }, tickMs)
    return {
      signal: controller.signal,
      end: () => {
        clearInterval(ticker)
      },
    }
  }
}
