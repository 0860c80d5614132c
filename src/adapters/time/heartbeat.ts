/**
 * The heartbeat: one plain interval. It runs on the monotonic clock, so it goes on after a sleep and
 * when the clock is set. Beats never overlap; a failed one is logged, and the next one runs.
 */
import type { Log } from '../../core/ports.ts'

export interface HeartbeatOptions {
  readonly everyMs: number
  readonly beat: () => Promise<void>
  readonly log: Log
}

export interface Heartbeat {
  /** Beats at once; where a beat is running, right after it. */
  beatNow(): void
  /** Resolves when a beat that is running has ended. */
  stop(): Promise<void>
}

export function startHeartbeat({ everyMs, beat, log }: HeartbeatOptions): Heartbeat {
  let beating = false
  let isWanted = false
  let lastBeat = Promise.resolve()

  async function guarded(): Promise<void> {
    beating = true
    try {
      await beat()
    } catch (error) {
      log.error({ err: error }, 'a heartbeat failed')
    } finally {
      beating = false
    }
  }

  function begin(): void {
    isWanted = false
    lastBeat = guarded().then(() => {
      if (isWanted) begin()
    })
  }

  const interval = setInterval(() => {
    if (!beating) begin()
  }, everyMs)
  return {
    beatNow() {
      if (beating) isWanted = true
      else begin()
    },
    async stop() {
      isWanted = false
      clearInterval(interval)
      await lastBeat
    },
  }
}
