/**
 * Time that moves only when a test says so: both clocks, and the time limits of requests. Nothing
 * that hangs has to be waited for.
 */
import type { StartTimeLimit } from '../../src/adapters/server/time-limit.ts'
import type { Clock } from '../../src/core/ports.ts'
import type { Reading } from '../../src/core/token.ts'

export interface HandClock extends Clock {
  /** Time goes by, as it mostly does: on both clocks. Limits that are over end their requests. */
  pass(ms: number): void
  /** The machine sleeps: the wall clock goes on, the monotonic one does not see it. */
  sleep(ms: number): void
  /** A person sets the wall clock, forward or (`ms` below zero) back. */
  set(ms: number): void
  readonly startTimeLimit: StartTimeLimit
  /** Resolves when so much time has gone by; rejects when it is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  /** Milliseconds to the end of each limit and each wait. */
  pending(): readonly number[]
}

interface Limit {
  /** On the monotonic clock. */
  readonly at: number
  readonly controller: AbortController
}

export function createHandClock(
  start: Reading = { wall: Date.UTC(2026, 0, 1), mono: 1_000_000 },
): HandClock {
  let now = start
  let limits: readonly Limit[] = []

  function move(wallMs: number, monoMs: number): void {
    now = { wall: now.wall + wallMs, mono: now.mono + monoMs }
  }

  /** To the end of each limit in turn: what is told of one may set the next. */
  function pass(ms: number): void {
    const end = now.mono + ms
    for (;;) {
      const next = limits.reduce<Limit | undefined>(
        (first, limit) => (first && first.at <= limit.at ? first : limit),
        undefined,
      )
      if (!next || next.at > end) break
      limits = limits.filter((limit) => limit !== next)
      const untilThenMs = Math.max(0, next.at - now.mono)
      move(untilThenMs, untilThenMs)
      next.controller.abort(new DOMException('The operation timed out', 'TimeoutError'))
    }
    move(end - now.mono, end - now.mono)
  }

  return {
    read: () => now,
    pass,
    pending: () => limits.map(({ at }) => at - now.mono),
    sleep(ms) {
      move(ms, 0)
    },
    set(ms) {
      move(ms, 0)
    },
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        const limit = { at: now.mono + ms, controller: new AbortController() }
        limits = [...limits, limit]
        limit.controller.signal.addEventListener('abort', () => {
          resolve()
        })
        signal.addEventListener('abort', () => {
          limits = limits.filter((other) => other !== limit)
          reject(new DOMException('The wait was aborted', 'AbortError'))
        })
      }),
    startTimeLimit(ms) {
      const limit = { at: now.mono + ms, controller: new AbortController() }
      limits = [...limits, limit]
      return {
        signal: limit.controller.signal,
        end: () => {
          limits = limits.filter((other) => other !== limit)
        },
      }
    },
  }
}
