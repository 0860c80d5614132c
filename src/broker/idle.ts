/** Changes by the owner: they wait until no request of the app that spends something is out. */
import type { AppState } from './app-state.ts'
import type { OutstandingRequest } from './outstanding-requests.ts'
import { requireReadable } from './newer-record.ts'
import { answerOutstandingError } from './refusal.ts'
import { waitAtMost } from './wait-at-most.ts'

/** How long such a change waits; then it fails. */
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

/**
 * As `changeWhenIdle`, for what changes nothing of the record.
 *
 * @param askedAt when the owner asked for it, on the monotonic clock.
 * @throws {SidecarError} `unavailable`.
 */
export async function runWhenIdle<T>(
  state: AppState,
  work: () => Promise<T>,
  askedAt = state.deps.clock.read().mono,
): Promise<T> {
  const now = () => state.deps.clock.read().mono
  const deadline = askedAt + OWNER_WAIT_MS
  for (;;) {
    await waitForSpending(state, deadline - now())
    const done = await state.queue.run(async () => {
      return findSpending(state) ? undefined : { value: await work() }
    })
    if (done) return done.value
  }
}

/**
 * Waits for the oldest request that spends something; another one may be out then.
 *
 * @throws {SidecarError} `unavailable` where it is still out after `waitMs`.
 */
async function waitForSpending(state: AppState, waitMs: number): Promise<void> {
  const spending = findSpending(state)
  if (!spending) return
  if (waitMs > 0) await waitAtMost(state.deps.sleep, waitMs, spending.done)
  if (state.outstanding.has(spending)) {
    throw answerOutstandingError(state.app.name, spending.since)
  }
}

/** The oldest request that is out and spends something. */
export function findSpending(state: AppState): OutstandingRequest | undefined {
  return [...state.outstanding].find(({ kind }) => kind !== 'issue')
}
