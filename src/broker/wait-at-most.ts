/** Waits for work with a time limit; the work itself goes on. */

/** Resolves after `ms`, or rejects when `signal` is aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>

/** Resolves when `work` is done or `ms` have passed; rejects as `work` does. */
export async function waitAtMost(sleep: Sleep, ms: number, work: Promise<void>): Promise<void> {
  const waiting = new AbortController()
  const timeout = sleep(ms, waiting.signal).catch((error: unknown) => {
    if (!waiting.signal.aborted) throw error
  })
  try {
    await Promise.race([work, timeout])
  } finally {
    waiting.abort()
  }
}
