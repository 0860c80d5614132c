/**
 * The heartbeat: one plain interval, which runs on the monotonic clock and so fires after a sleep
 * and through clock steps. Beats never overlap, and one that fails does not end the next.
 */
import type { Log } from '../../core/ports.ts'

export interface HeartbeatOptions {
  readonly everyMs: number
  readonly beat: () => Promise<void>
  readonly log: Log
}

export interface Heartbeat {
  /** Resolves when the beat under way, if there is one, has ended. */
  stop(): Promise<void>
}

export function startHeartbeat({ everyMs, beat, log }: HeartbeatOptions): Heartbeat {
  let beating = false
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

  const interval = setInterval(() => {
    if (!beating) lastBeat = guarded()
  }, everyMs)
  return {
    async stop() {
      clearInterval(interval)
      await lastBeat
    },
  }
}
