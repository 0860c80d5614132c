/**
 * The callers: local programs, each with an access key of its own. A key is shown once, when it is
 * made; what is kept is its SHA-256.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Clock, Log } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import { SidecarError } from '../../errors.ts'
import type { Secret } from '../../secret.ts'
import { createAccessKey, readCallers } from './callers-file.ts'
import { ensureLocalCaller } from './callers-local.ts'
import { type Caller, createCallersStore, toCaller } from './callers-store.ts'

export interface NewCaller {
  readonly caller: Caller
  readonly accessKey: Secret
}

export interface Callers {
  /** The caller whose access key has this SHA-256. */
  identify(keySha256: Buffer): Caller | undefined
  list(): readonly Caller[]
  /** @throws {SidecarError} `invalid_request` for a name that is taken, `failed` when the disk refuses. */
  add(name: string, apps: readonly string[]): Promise<NewCaller>
  /** @throws {SidecarError} `not_found`, `failed` when the disk refuses. */
  remove(name: string): Promise<void>
  /**
   * Lower-case hex HMAC-SHA-256 of the nonce's UTF-8, keyed with the 32 bytes of SHA-256(access key):
   * a program that has the key can check it. For an unknown name the key is random and never shown.
   */
  proof(name: string, nonce: string): string
  /** Notes that the caller has just shown its key; only in memory, until the next `flush`. */
  noteUse(name: string): void
  /** Stores when the callers were last seen, if that is worth a write. Never rejects because of a disk. */
  flush(): Promise<void>
}

export interface CallersOptions {
  readonly path: string
  /** Where the access key of the caller `local` is kept for the programs of this user. */
  readonly accessKeyPath: string
  readonly clock: Clock
  readonly log: Log
}

/** `last_used_at` answers "is this key still in use", for which a minute is exact enough. */
const LAST_USED_STEP_MS = 60_000

/** @throws {SidecarError} `failed`, for files that are damaged or open to others; `record_newer`. */
export async function createCallers(options: CallersOptions): Promise<Callers> {
  const { path, accessKeyPath, clock, log } = options
  const stored = await readCallers(path)
  const store = createCallersStore(path, stored ?? { callers: [], unknown: {} })
  const unknownNames = randomBytes(32)
  const lastUsed = new Map<string, Instant>()
  let flushFails = false

  await ensureLocalCaller(store, {
    accessKeyPath,
    firstStart: stored === undefined,
    now: clock.read().wall,
    log,
  })

  return {
    identify: (keySha256) => store.identify(keySha256),
    list: () =>
      store.callers().map((caller) => ({
        ...toCaller(caller),
        lastUsedAt: lastUsed.get(caller.name) ?? caller.lastUsedAt,
      })),
    async add(name, apps) {
      const accessKey = createAccessKey()
      const { sha256 } = accessKey
      const caller = { name, apps, sha256, createdAt: clock.read().wall, lastUsedAt: null }
      await store.change((callers) => {
        if (callers.some((other) => other.name === name)) {
          throw new SidecarError('invalid_request', `There is a caller named "${name}" already.`, {
            hint: `Choose another name, or end that one first: \`evo-token caller remove ${name}\`.`,
          })
        }
        return [...callers, caller]
      })
      return { caller: toCaller(caller), accessKey }
    },
    async remove(name) {
      await store.change((callers) => {
        const others = callers.filter((caller) => caller.name !== name)
        if (others.length === callers.length) {
          throw new SidecarError('not_found', 'There is no caller of this name.', {
            hint: '`evo-token caller list` shows the callers.',
          })
        }
        return others
      })
      lastUsed.delete(name)
    },
    proof(name, nonce) {
      const caller = store.callers().find((candidate) => candidate.name === name)
      // As steady as a real one while the process lives, and made in any case, so as to take its time.
      const standIn = createHmac('sha256', unknownNames).update(name).digest()
      const key = caller ? Buffer.from(caller.sha256, 'hex') : standIn
      return createHmac('sha256', key).update(nonce, 'utf8').digest('hex')
    },
    noteUse(name) {
      lastUsed.set(name, clock.read().wall)
    },
    async flush() {
      const due = store.callers().some((caller) => {
        const seenAt = lastUsed.get(caller.name)
        return seenAt !== undefined && seenAt - (caller.lastUsedAt ?? 0) >= LAST_USED_STEP_MS
      })
      if (!due) return
      try {
        await store.change((callers) =>
          callers.map((caller) => ({
            ...caller,
            lastUsedAt: lastUsed.get(caller.name) ?? caller.lastUsedAt,
          })),
        )
        flushFails = false
      } catch (error) {
        if (!(error instanceof SidecarError)) throw error
        // Tried again at each heartbeat; logged once.
        if (!flushFails) log.warn({ err: error }, 'when callers were last seen could not be stored')
        flushFails = true
      }
    },
  }
}
