/**
 * Loading and storing records so that none is ever lost to a crash or a full disk: room is made
 * before a request leaves; its answer is written over that room, synced, and renamed into place.
 */
import { statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type {
  AppRecord,
  LoadedRecord,
  Log,
  StoreResult,
  VaultEntry,
  VaultRecords,
} from '../../core/ports.ts'
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import type { Queues } from '../../queue.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../disk-errors.ts'
import { Precedence } from './precedence.ts'
import { encodeRecord } from './record-codec.ts'
import { RecordsOnDisk } from './records-on-disk.ts'
import { damagedPath, filesOf, type OnStep, padded, setAside, writeInPlace } from './vault-files.ts'
import { isAnyNewer, isNewer } from './vault-found.ts'
import type { SealingKeys } from './vault-keyring.ts'
import { Recovery } from './vault-recovery.ts'

export interface StoredRecordsDeps {
  readonly dir: string
  readonly log: Log
  /** The work on the files of each app. */
  readonly queues: Queues
  readonly keys: SealingKeys
  readonly onStep: OnStep
}

const STORED: StoreResult = { kind: 'stored' }
const NEWER: StoreResult = { kind: 'newer' }

export class StoredRecords implements VaultRecords {
  readonly #deps: StoredRecordsDeps
  /** The generation for whose successor there certainly is room, and how much. */
  readonly #reserved = new Map<string, { readonly generation: number; readonly bytes: number }>()
  readonly #onDisk: RecordsOnDisk
  /** An answer on its way to the disk goes before room for the next one. */
  readonly #storing = new Precedence()
  /** The generation that a failed store may have left on disk all the same: the next try is over it. */
  readonly #uncertain = new Map<string, number>()

  constructor(deps: StoredRecordsDeps) {
    this.#deps = deps
    this.#onDisk = new RecordsOnDisk(deps.dir, deps.keys)
  }

  async load(apps: readonly VaultEntry[]): Promise<ReadonlyMap<string, LoadedRecord>> {
    const loaded = await Promise.all(
      apps.map(async (entry) => {
        const record = await this.#deps.queues.run(entry.app, () => this.#load(entry))
        return record ? ([[entry.app, record]] as const) : []
      }),
    )
    return new Map(loaded.flat())
  }

  reserve(app: string, record: AppRecord): Promise<StoreResult> {
    return this.#changing(
      app,
      `No room could be reserved for the next record of "${app}"`,
      async () => {
        await this.#storing.idle()
        const onDisk = await this.#onDisk.look(app, record)
        if (onDisk === 'newer') return NEWER
        if (onDisk !== 'broken' && onDisk !== record.generation) return { kind: 'changed' }
        const { dir, keys, onStep } = this.#deps
        const { next } = filesOf(dir, app)
        if (await this.#isNextNewer(app, record.generation)) return NEWER
        const reserved = this.#reserved.get(app)
        if (reserved?.generation === record.generation && hasRoom(next, reserved.bytes))
          return STORED
        this.#reserved.delete(app)
        const mark = await encodeRecord(app, { kind: 'attempt', record }, keys.ring[0])
        const told = (step: string) => {
          onStep(`reserve ${step}`, app)
        }
        const text = padded(mark)
        await writeInPlace(next, text, told)
        await platform.files.syncDirectory(dir)
        told('directory-synced')
        this.#reserved.set(app, { generation: record.generation, bytes: text.length })
        return STORED
      },
    )
  }

  store(app: string, record: AppRecord): Promise<StoreResult> {
    return this.#changing(app, `The record of "${app}" could not be stored`, () =>
      this.#storing.first(() => this.#store(app, record)),
    )
  }

  async release(app: string): Promise<void> {
    const { dir, log } = this.#deps
    this.#reserved.delete(app)
    const result = await this.#changing(
      app,
      `A mark of "${app}" could not be cleared away`,
      async () => {
        if (await this.#isNextNewer(app)) return NEWER
        await rm(filesOf(dir, app).next, { force: true })
        await platform.files.syncDirectory(dir)
        return STORED
      },
    )
    if (result.kind === 'unwritable') log.warn({ app }, result.failure.message)
  }

  remove(app: string): Promise<StoreResult> {
    return this.#changing(app, `The record of "${app}" could not be deleted`, async () => {
      const { dir, keys } = this.#deps
      const { record, next } = filesOf(dir, app)
      if (await isNewer({ record, next }, app, keys.ring)) return NEWER
      // The mark first: alone it would tell of a request that nobody waits for.
      await rm(next, { force: true })
      await rm(record, { force: true })
      await platform.files.syncDirectory(dir)
      this.#reserved.delete(app)
      this.#uncertain.delete(app)
      this.#onDisk.setMisplaced(app, false)
      return STORED
    })
  }

  async #store(app: string, record: AppRecord): Promise<StoreResult> {
    const { generation } = record
    const onDisk = await this.#onDisk.look(app, record)
    if (onDisk === 'newer' || (await this.#isNextNewer(app, generation - 1))) return NEWER
    const fits = onDisk === 'broken' || onDisk === generation - 1
    const again = onDisk === generation && this.#uncertain.get(app) === generation
    if (!fits && !again) return { kind: 'changed' }
    const { dir, log, keys, onStep } = this.#deps
    const files = filesOf(dir, app)
    const told = (step: string) => {
      onStep(`store ${step}`, app)
    }
    this.#reserved.delete(app)
    this.#uncertain.set(app, generation)
    const text = await encodeRecord(app, { kind: 'app', record }, keys.ring[0])
    await writeInPlace(files.next, text, told)
    if (onDisk === 'broken') {
      const path = await setAside(dir, files.record, damagedPath(dir, app))
      log.error({ app, path }, 'the record on disk was damaged: it is set aside')
    }
    await platform.files.replaceFile(files.next, files.record)
    told('renamed')
    await platform.files.syncDirectory(dir)
    told('directory-synced')
    this.#uncertain.delete(app)
    return STORED
  }

  /** Asks no turn: it only looks, and a person may wait for it. */
  async isNewer(entry: VaultEntry): Promise<boolean> {
    const { dir, keys } = this.#deps
    try {
      return await isAnyNewer(filesOf(dir, entry.app), entry, keys.ring)
    } catch (error) {
      // What the disk refuses is told by what needs it.
      if (isDiskError(error)) return false
      throw error
    }
  }

  async #load(entry: VaultEntry): Promise<LoadedRecord | undefined> {
    const { dir, log, keys } = this.#deps
    const recovery = new Recovery({ dir, log, ring: keys.ring }, entry)
    const loaded = await recovery.run().catch((error: unknown) => {
      if (!isDiskError(error)) throw error
      const message = `The record of "${entry.app}" cannot be read now: ${diskErrorInWords(error)}.`
      throw new SidecarError('unavailable', message, { cause: error })
    })
    this.#onDisk.setMisplaced(entry.app, recovery.misplaced)
    return loaded
  }

  /** Whether the place of the next record is a newer version's; what we reserved is ours. */
  async #isNextNewer(app: string, generation?: number): Promise<boolean> {
    const reserved = this.#reserved.get(app)
    if (reserved && reserved.generation === generation) return false
    return this.#onDisk.isNextNewer(app)
  }

  /** Runs what changes an app's files; what the disk refuses is a result, not an exception. */
  #changing(app: string, failed: string, work: () => Promise<StoreResult>): Promise<StoreResult> {
    return this.#deps.queues.run(app, async () => {
      try {
        await this.#deps.keys.raiseFormat()
        return await work()
      } catch (error) {
        if (!isDiskError(error)) throw error
        const message = `${failed} in ${this.#deps.dir}: ${diskErrorInWords(error)}. ${wayOutOf(error)}`
        return { kind: 'unwritable', failure: { code: 'vault_unwritable', message } }
      }
    })
  }
}

function hasRoom(path: string, bytes: number): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= bytes
}
