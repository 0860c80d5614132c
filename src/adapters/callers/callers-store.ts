/**
 * The callers in memory and on disk. A change counts once it is on disk, and changes happen one by
 * one, so neither a full disk nor two changes at once lose a caller.
 */
import { timingSafeEqual } from 'node:crypto'
import { Queue } from '../../queue.ts'
import { type StoredCaller, type StoredCallers, writeCallers } from './callers-file.ts'

/** A caller as it may be shown. */
export type Caller = Omit<StoredCaller, 'sha256' | 'unknown'>

export type CallersStore = ReturnType<typeof createCallersStore>

export function createCallersStore(path: string, { callers: initial, ...others }: StoredCallers) {
  let callers = initial
  let known = withDigests(initial)
  const changes = new Queue()
  return {
    callers: () => callers,
    /** Compares with every caller: the time that it takes tells nothing about any key. */
    identify(keySha256: Buffer): Caller | undefined {
      let found: Caller | undefined
      for (const { digest, caller } of known) {
        if (timingSafeEqual(digest, keySha256)) found = caller
      }
      return found
    },
    change(
      toChanged: (callers: readonly StoredCaller[]) => readonly StoredCaller[],
    ): Promise<void> {
      return changes.run(async () => {
        const changed = toChanged(callers)
        await writeCallers(path, { ...others, callers: changed })
        callers = changed
        known = withDigests(changed)
      })
    },
  }
}

interface Known {
  readonly digest: Buffer
  readonly caller: Caller
}

/** Kept with each caller, so that one more among thousands takes no longer than one among few. */
const digests = new WeakMap<StoredCaller, Known>()

function withDigests(callers: readonly StoredCaller[]): readonly Known[] {
  return callers.map((caller) => {
    const kept = digests.get(caller)
    if (kept) return kept
    const made = { digest: Buffer.from(caller.sha256, 'hex'), caller: toCaller(caller) }
    digests.set(caller, made)
    return made
  })
}

export function toCaller({ sha256, unknown, ...caller }: StoredCaller): Caller {
  return caller
}
