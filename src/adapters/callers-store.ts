/**
 * The callers in memory and on disk. A change counts once it is on disk, and changes happen one by
 * one, so neither a full disk nor two changes at once lose a caller.
 */
import { type StoredCaller, writeCallers } from './callers-file.ts'

/** A caller as it may be shown. */
export type Caller = Omit<StoredCaller, 'sha256'>

export type CallersStore = ReturnType<typeof createCallersStore>

export function createCallersStore(path: string, initial: readonly StoredCaller[]) {
  let callers = initial
  let byDigest = indexed(initial)
  let last: Promise<unknown> = Promise.resolve()
  return {
    callers: () => callers,
    /**
     * A lookup may take a different time for digests that begin like a known one. It tells nothing:
     * what is compared is the SHA-256 of what was sent, and nobody can choose that so as to feel the
     * way to a key of 256 random bits.
     */
    byDigest: () => byDigest,
    change(
      toChanged: (callers: readonly StoredCaller[]) => readonly StoredCaller[],
    ): Promise<void> {
      const work = last.then(async () => {
        const changed = toChanged(callers)
        await writeCallers(path, changed)
        callers = changed
        byDigest = indexed(changed)
      })
      last = work.catch(() => undefined)
      return work
    },
  }
}

function indexed(callers: readonly StoredCaller[]): ReadonlyMap<string, Caller> {
  return new Map(callers.map((caller) => [caller.sha256, shown(caller)]))
}

export function shown({ sha256, ...caller }: StoredCaller): Caller {
  return caller
}
