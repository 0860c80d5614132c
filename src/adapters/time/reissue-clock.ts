/** When a cron line asks for the next token. node-cron says when; it never runs anything. */
import { createTask } from 'node-cron'
import type { Instant } from '../../core/token.ts'

/**
 * The next instant of `expression`, from the wall clock's now.
 *
 * A running cron task is silent for as long as the wall clock was set back, and walks through
 * every slot that a sleep missed. One that is never started only computes.
 */
export function createReissueClock(expression: string): () => Instant | undefined {
  const task = createTask(expression, () => undefined)
  return () => task.getNextRuns(1)[0]?.getTime()
}
