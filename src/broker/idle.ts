/** Changes of the owner: they wait until no request of the app is out that spends something. */
import type { AppState } from './app-state.ts'
import type { OutstandingRequest } from './outstanding-requests.ts'
import { requireReadable } from './newer-record.ts'
import { answerOutstandingError } from './refusal.ts'
import { waitAtMost } from './wait-at-most.ts'

/** How long a change of the owner waits for such a request; then its answer says so. */
const OWNER_WAIT_MS = 25_000

/**
 * Runs `work`, a change of the app's record, in the app's queue.
 *
 * @throws {SidecarError} `unavailable` where a request that spends something is still out after 25 s,
 * `record_newer`: then `work` has not begun.
 */
export function changeWhenIdle<T>(state: AppState, work: () => Promise<T>): Promise<T> {
  return runWhenIdle(state, async () => {
    if (state.ledger.newer) await state.retryRecord()
    await requireReadable(state)
    return work()
  })
}

/** As `changeWhenIdle`, for what changes nothing of the record. @throws {SidecarError} `unavailable`. */
export async function runWhenIdle<T>(state: AppState, work: () => Promise<T>): Promise<T> {
  const now = () => state.deps.clock.read().mono
  const deadline = now() + OWNER_WAIT_MS
  for (;;) {
    await waitUntilIdle(state, deadline - now())
    const done = await state.queue.run(async () => {
      return findSpending(state) ? undefined : { value: await work() }
    })
    if (done) return done.value
  }
}

/** @throws {SidecarError} `unavailable` where a request that spends something is out for `waitMs` more. */
async function waitUntilIdle(state: AppState, waitMs: number): Promise<void> {
  const spending = findSpending(state)
  if (!spending) return
  if (waitMs <= 0) throw answerOutstandingError(state.app.name, spending.since)
  await waitAtMost(state.deps.sleep, waitMs, spending.done)
  await waitUntilIdle(state, state.outstanding.has(spending) ? 0 : waitMs)
}

function findSpending(state: AppState): OutstandingRequest | undefined {
  return [...state.outstanding].find(({ kind }) => kind !== 'issue')
}
