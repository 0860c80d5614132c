/** When a daemon looks at the database: at a steady pace, and soon after another daemon announces a change. */
import { startHeartbeat } from '../adapters/time/heartbeat.ts'
import type { SharingPolicy } from '../core/sharing/policy.ts'
import type { SharedStore } from '../core/sharing/shared-store.ts'
import type { World } from './world.ts'

/** The least time between an announcement and the look that it causes, however many come. */
const ANNOUNCED_MS = 20
/** That time as a multiple of what the last look took: many hosts look, and one database answers all of them. */
const REST_FACTOR = 10

interface TickOptions {
  readonly store: SharedStore
  readonly policy: SharingPolicy
  readonly log: World['log']
  readonly tick: () => Promise<void>
  /** Runs besides the ticks, which may take long. */
  readonly look: () => Promise<void>
}

export function createTicks({ store, policy, log, tick, look }: TickOptions) {
  let stop = async (): Promise<void> => undefined
  return {
    start() {
      let heard: NodeJS.Timeout | undefined
      let isStopped = false
      let tookMs = 0
      const restMs = () => Math.min(Math.max(ANNOUNCED_MS, REST_FACTOR * tookMs), policy.pollMs)
      const ticks = startHeartbeat({
        everyMs: policy.pollMs,
        log,
        async beat() {
          store.onAnnounced(() => {
            if (!isStopped)
              heard ??= setTimeout(() => {
                heard = undefined
                ticks.beatNow()
              }, restMs())
          })
          const startedAt = performance.now()
          await tick()
          tookMs = performance.now() - startedAt
        },
      })
      const looks = startHeartbeat({ everyMs: policy.pollMs, log, beat: look })
      ticks.beatNow()
      stop = async () => {
        isStopped = true
        clearTimeout(heard)
        await looks.stop()
        await ticks.stop()
      }
    },
    stop: () => stop(),
  }
}
