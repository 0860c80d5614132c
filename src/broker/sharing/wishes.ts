/** Wishes of those who have copies only: handed to the home, and granted by it within the callers' limit. */
import type { Log } from '../../core/ports.ts'
import type { Answer, AppKey, SharedStore, Wanted } from '../../core/sharing/shared-store.ts'
import type { ManagedApp } from '../managed-app.ts'
import type { Wish } from './remote-app.ts'

/** A statement without its answer is repeated: a caller waits for it. */
const ATTEMPTS = 5

/** Hands a wish to the app's home; a failure is logged, and the caller asks again. */
export function handOn(
  { store, log }: { readonly store: SharedStore; readonly log: Log },
  key: AppKey,
  { rejectedSha256, minTtlMs }: Wish,
  database: Answer<unknown> | undefined,
): void {
  const until = minTtlMs !== undefined && database ? database.now + minTtlMs : null
  const wanted = { ...key, rejectedSha256: rejectedSha256 ?? null, until }
  const ask = async (): Promise<void> => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (!(await store.want(wanted))) continue
      store.announce()
      return
    }
  }
  ask().catch((error: unknown) => {
    log.error({ app: key.app, err: error }, 'a wish could not be handed on')
  })
}

/** Begins what a wish asks for, and waits for nothing: why there is no token stands in the app's status. */
export function grant(
  managed: ManagedApp,
  { rejectedSha256, until }: Wanted,
  database: Answer<unknown> | undefined,
): void {
  const minTtlMs = until !== null && database ? Math.max(0, until - database.now) : 0
  const granted =
    rejectedSha256 === null
      ? Promise.resolve().then(() => managed.token({ minTtlMs, waitMs: 0 }))
      : managed.refresh({ rejectedSha256 })
  granted.catch(() => undefined)
}
