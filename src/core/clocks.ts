/** Compares two readings of both clocks. */
import { CLOCK_DRIFT_MS, type Reading } from './token.ts'

/**
 * `jumped`: the wall clock ran ahead of the monotonic one: the machine slept, or the clock was
 * set forward. `set-back`: it fell behind: the clock was set back.
 */
export type ClockEvent = 'steady' | 'jumped' | 'set-back'

export function compareClocks(before: Reading, now: Reading): ClockEvent {
  const aheadMs = now.wall - before.wall - (now.mono - before.mono)
  if (aheadMs > CLOCK_DRIFT_MS) return 'jumped'
  return aheadMs < -CLOCK_DRIFT_MS ? 'set-back' : 'steady'
}
