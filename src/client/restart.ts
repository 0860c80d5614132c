/** A daemon that answers that it stops has done nothing of what it was asked: its successor is asked again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Asked } from './connection.ts'
import type { Json } from './wire.ts'

/** Longer than a daemon takes to stop (35 s) and the next one to start. */
const WITHIN_MS = 50_000
const PAUSE_MS = 250

/**
 * @param first what the daemon that stops has said.
 * @throws {EvoTokenError} that, where no other daemon follows; else what that one says.
 */
export async function askThroughRestart(first: Error, ask: () => Promise<Asked>): Promise<Json> {
  const deadline = performance.now() + WITHIN_MS
  while (performance.now() < deadline) {
    await sleep(PAUSE_MS)
    const asked = await ask()
    if ('json' in asked) return asked.json
  }
  throw first
}
