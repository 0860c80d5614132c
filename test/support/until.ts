/** Waits for something to become true that nothing announces. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Asks `condition` again and again until it holds; a test's own time limit ends it otherwise. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50)
}
