/**
 * The callers in memory and on disk. A change counts once it is on disk, and changes happen one by
 * one, so neither a full disk nor two changes at once lose a caller.
 */
import { timingSafeEqual } from 'node:crypto'
import { Queue } from '../../queue.ts'
import { type StoredCaller, type StoredCallers, writeCallers } from './callers-file.ts'

/** A caller as it may be shown. */
export type ShownCaller = Omit<StoredCaller, 'sha256' | 'unknown'>

export type CallersStore = ReturnType<typeof createCallersStore>

export function createCallersStore(path: string, { callers: initial, ...others }: StoredCallers) {
  let callers = initial
  let known = withDigests(initial)
  const changes = new Queue()
  return {
    callers: () => callers,
    /** Compares with every caller: the time that it takes tells nothing about any key. */
    identify(keySha256: Buffer): ShownCaller | undefined {
      let found: ShownCaller | undefined
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

interface KeyDigest {
  readonly digest: Buffer
  readonly caller: ShownCaller
}

/** The digests by caller: among thousands, a change decodes only those of the callers that it changes. */
const digests = new WeakMap<StoredCaller, KeyDigest>()

function withDigests(callers: readonly StoredCaller[]): readonly KeyDigest[] {
  return callers.map((caller) => {
    const kept = digests.get(caller)
    if (kept) return kept
    const made = { digest: Buffer.from(caller.sha256, 'hex'), caller: toCaller(caller) }
    digests.set(caller, made)
    return made
  })
}

export function toCaller({ sha256, unknown, ...caller }: StoredCaller): ShownCaller {
  return caller
}
