/** Requests for a renewal from daemons with copies: handed to the home, which grants them within the callers' limit. */
import type { Log } from '../../core/ports.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  DatabaseAnswer,
  AppKey,
  SharedStore,
  RenewalRequest,
} from '../../core/sharing/shared-store.ts'
import type { ManagedApp } from '../managed-app.ts'
import type { Sleep } from '../wait-at-most.ts'
import type { TokenNeeds } from './remote-app.ts'

/** A statement without its answer is repeated so often at once. */
const ATTEMPTS_WITHOUT_PAUSE = 5

interface RenewalRequestDeps {
  readonly store: SharedStore
  readonly log: Log
  readonly sleep: Sleep
  readonly policy: Pick<SharingPolicy, 'pollMs'>
}

/**
 * Asks the app's home for a token that fits `needs`, until the database has it or `over` is aborted: while a caller waits. A
 * failure is logged, and the caller asks again.
 */
export function requestRenewal(
  { store, log, sleep, policy }: RenewalRequestDeps,
  key: AppKey,
  needs: TokenNeeds,
  database: DatabaseAnswer<unknown> | undefined,
  over: AbortSignal,
): void {
  const { rejectedSha256, minTtlMs } = needs
  const until = minTtlMs !== undefined && database ? database.now + minTtlMs : null
  const request = { ...key, rejectedSha256: rejectedSha256 ?? null, until }
  const ask = async (): Promise<void> => {
    for (let attempt = 1; attempt <= ATTEMPTS_WITHOUT_PAUSE || !over.aborted; attempt++) {
      if (await store.askToRenew(request)) {
        store.announce()
        return
      }
      if (attempt >= ATTEMPTS_WITHOUT_PAUSE) await sleep(policy.pollMs, over)
    }
  }
  ask().catch((error: unknown) => {
    if (over.aborted) return
    log.error({ app: key.app, err: error }, 'the request for a renewal did not reach the database')
  })
}

/** Begins the renewal that is requested, and waits for nothing: the app's status says why there is no token. */
export function grantRenewal(
  managed: ManagedApp,
  { rejectedSha256, until }: RenewalRequest,
  database: DatabaseAnswer<unknown> | undefined,
): void {
  const minTtlMs = until !== null && database ? Math.max(0, until - database.now) : 0
  const granted =
    rejectedSha256 === null
      ? Promise.resolve().then(() => managed.token({ minTtlMs, waitMs: 0 }))
      : managed.refresh({ rejectedSha256 })
  granted.catch(() => undefined)
}
