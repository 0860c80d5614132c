/**
 * The callers: local programs, each with an access key of its own. A key is shown once, when it is
 * made; what is kept is its SHA-256.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Clock, Log } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import { KEYLESS_CALLERS } from '../../core/names.ts'
import { SidecarError } from '../../errors.ts'
import type { Secret } from '../../secret.ts'
import { createAccessKey } from './access-key.ts'
import { readCallers } from './callers-file.ts'
import { ensureLocalCaller } from './callers-local.ts'
import {
  type ShownCaller,
  type CallersStore,
  createCallersStore,
  toCaller,
} from './callers-store.ts'

export interface NewCaller {
  readonly caller: ShownCaller
  readonly accessKey: Secret
}

export interface Callers {
  /** The caller whose access key has this SHA-256. @throws {SidecarError} `invalid_key` where the key expired. */
  identify(keySha256: Buffer): ShownCaller | undefined
  list(): readonly ShownCaller[]
  /** @throws {SidecarError} `invalid_request` for a name that is taken or stands for another one, `failed` when the disk refuses. */
  add(name: string, apps: readonly string[], expiresAt?: Instant): Promise<NewCaller>
  /** The callers whose keys have expired. */
  expired(): readonly string[]
  /** @throws {SidecarError} `not_found`, `failed` when the disk refuses. */
  remove(name: string): Promise<void>
  /**
   * Lower-case hex HMAC-SHA-256 of the nonce's UTF-8, keyed with the 32 bytes of SHA-256(access key):
   * a program that has the key can check it. For an unknown name the key is made up, is the same after a restart, and is never shown.
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

/** How many apps a command in a hint names at most. */
const NAMED_APPS_MAX = 5

/** @throws {SidecarError} `failed`, for files that are damaged or open to others; `record_newer`. */
export async function createCallers(options: CallersOptions): Promise<Callers> {
  const { path, accessKeyPath, clock, log } = options
  const stored = await readCallers(path)
  const standIn = stored?.standIn ?? randomBytes(32).toString('hex')
  const store = createCallersStore(path, { callers: [], unknown: {}, ...stored, standIn })
  const lastUsed = new Map<string, Instant>()
  let flushFails = false

  await ensureLocalCaller(store, {
    accessKeyPath,
    firstStart: stored === undefined,
    now: clock.read().wall,
    log,
  })

  if (stored && stored.standIn === undefined) await keepStandIn(store, log)
  const isExpired = ({ expiresAt }: ShownCaller) =>
    expiresAt !== undefined && expiresAt <= clock.read().wall

  return {
    identify(keySha256) {
      const caller = store.identify(keySha256)
      if (caller && isExpired(caller)) throw toExpiredError(caller)
      return caller
    },
    expired: () =>
      store
        .callers()
        .filter(isExpired)
        .map(({ name }) => name),
    list: () =>
      store.callers().map((caller) => ({
        ...toCaller(caller),
        lastUsedAt: lastUsed.get(caller.name) ?? caller.lastUsedAt,
      })),
    async add(name, apps, expiresAt) {
      requireFreeName(name)
      const accessKey = createAccessKey()
      const { sha256 } = accessKey
      const createdAt = clock.read().wall
      const stored = { name, apps, sha256, createdAt, lastUsedAt: null }
      const caller = expiresAt === undefined ? stored : { ...stored, expiresAt }
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
      // The same each time, also after a restart; always computed, so that the time does not show whether it is used.
      const madeUp = createHmac('sha256', Buffer.from(standIn, 'hex')).update(name).digest()
      const key = caller ? Buffer.from(caller.sha256, 'hex') : madeUp
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
          callers.map((caller) => {
            const lastUsedAt = lastUsed.get(caller.name) ?? caller.lastUsedAt
            return lastUsedAt === caller.lastUsedAt ? caller : { ...caller, lastUsedAt }
          }),
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

/** @throws {SidecarError} `invalid_request`. */
function requireFreeName(name: string): void {
  if (!KEYLESS_CALLERS.includes(name)) return
  throw new SidecarError(
    'invalid_request',
    `"${name}" is not a name for a caller: what the ${name} does is shown under it.`,
    {
      hint: 'Choose another name.',
    },
  )
}

/** For a file of an earlier version, which had none. A disk that refuses is no reason not to start. */
async function keepStandIn(store: CallersStore, log: Log): Promise<void> {
  try {
    await store.change((callers) => callers)
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error
    log.warn({ err: error }, 'the list of callers could not be brought up to date')
  }
}

function toExpiredError({ name, apps, expiresAt }: ShownCaller): SidecarError {
  const at = new Date(expiresAt ?? 0).toISOString().slice(0, 19)
  // Without the names the new key would be for every app.
  const named = apps.length > NAMED_APPS_MAX ? ['…'] : apps
  const options = apps.includes('*') ? '' : named.map((app) => ` --app ${app}`).join('')
  return new SidecarError('invalid_key', `The access key of "${name}" expired at ${at}Z.`, {
    hint: `The owner makes a new one: \`evo-token caller remove ${name}\`, then \`evo-token caller add ${name}${options}\`.`,
  })
}
