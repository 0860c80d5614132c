/** Computes when a cron expression is due next. node-cron computes; it never runs anything. */
import { createTask } from 'node-cron'
import type { Instant } from '../../core/token.ts'

/**
 * Returns a function that gives the next instant of `expression`, by the wall clock.
 *
 * A running cron task stays silent for as long as the wall clock was set back, and catches up on
 * every slot that a sleep missed. A task that is never started only computes.
 */
export function createReissueClock(expression: string): () => Instant | undefined {
  const task = createTask(expression, () => undefined)
  return () => task.getNextRuns(1)[0]?.getTime()
}
