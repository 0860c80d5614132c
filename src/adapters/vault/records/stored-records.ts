/**
 * Loads and stores records so that a crash or a full disk loses none: room is reserved before a
 * request is sent; its answer overwrites that room, is synced, and renamed into place.
 */
import type {
  AppRecord,
  LoadedRecord,
  StoreResult,
  VaultEntry,
  VaultRecords,
} from '../../../core/vault.ts'
import type { Log } from '../../../core/ports.ts'
import { SidecarError } from '../../../errors.ts'
import { platform } from '../../../platform/current.ts'
import { diskErrorInWords, isDiskError } from '../../files/disk-errors.ts'
import { HEADER_FORMAT, FORMAT_UNSHARED } from '../header.ts'
import { type ChangeDeps, changeFiles } from './change-files.ts'
import { Precedence } from './precedence.ts'
import { type DecodedRecord, encodeRecord } from './record-codec.ts'
import { RecordsOnDisk } from './records-on-disk.ts'
import {
  damagedPath,
  filesOf,
  type OnStep,
  padToRoom,
  setAside,
  writeInPlace,
} from './record-files.ts'
import { brokenIfUnreadable, isAnyNewer, isNewerRecord } from './find-record.ts'
import { Recovery } from './recovery.ts'
import { ReservedRoom } from './reserved-room.ts'

export interface StoredRecordsDeps extends ChangeDeps {
  readonly log: Log
  readonly onStep: OnStep
}

/**
 * The format that a record needs. A version that does not know about other hosts would spend their
 * tokens, and would take a record that was stored together with its mark for a damaged one.
 */
function formatFor({ sharing }: AppRecord, unanswered = false): number {
  return sharing || unanswered ? HEADER_FORMAT : FORMAT_UNSHARED
}

const STORED_RESULT: StoreResult = { kind: 'stored' }
const NEWER_RESULT: StoreResult = { kind: 'newer' }

export class StoredRecords implements VaultRecords {
  readonly #deps: StoredRecordsDeps
  readonly #reserved = new ReservedRoom()
  readonly #onDisk: RecordsOnDisk
  /** Storing a record goes before making room for the next one. */
  readonly #storing = new Precedence()
  /** The generation that a failed store may have left on disk nevertheless: a retry may overwrite it. */
  readonly #uncertain = new Map<string, number>()

  constructor(deps: StoredRecordsDeps) {
    this.#deps = deps
    this.#onDisk = new RecordsOnDisk(deps.dir, deps.keys)
  }

  load(entry: VaultEntry): Promise<LoadedRecord | undefined> {
    return this.#deps.queues.run(entry.app, () => this.#load(entry))
  }

  reserve(app: string, record: AppRecord, toCome?: AppRecord): Promise<StoreResult> {
    return changeFiles(
      this.#deps,
      app,
      `No room could be reserved for the next record of "${app}"`,
      async () => {
        await this.#storing.waitUntilIdle()
        const onDisk = await this.#onDisk.look(app, record)
        if (onDisk === 'newer') return NEWER_RESULT
        if (onDisk !== 'broken' && onDisk !== record.generation) return { kind: 'changed' }
        const { dir, keys, onStep } = this.#deps
        const { next } = filesOf(dir, app)
        if (await this.#isNextNewer(app, record.generation)) return NEWER_RESULT
        if (!toCome && this.#reserved.isThere(app, record.generation, next)) return STORED_RESULT
        this.#reserved.forget(app)
        const mark = await encodeRecord(app, { kind: 'attempt', record }, keys.ring[0])
        const bytes = toCome
          ? (await encodeRecord(app, { kind: 'attempt', record: toCome }, keys.ring[0])).length
          : 0
        const report = (step: string) => {
          onStep(`reserve ${step}`, app)
        }
        const text = padToRoom(mark, bytes)
        await writeInPlace(next, text, report)
        await platform.files.syncDirectory(dir)
        report('directory-synced')
        this.#reserved.remember(app, record.generation, text.length)
        return STORED_RESULT
      },
      formatFor(toCome ?? record),
    )
  }

  store(
    app: string,
    record: AppRecord,
    unanswered = false,
    follows = record.generation - 1,
  ): Promise<StoreResult> {
    return this.#storeFirst(app, { kind: unanswered ? 'attempt' : 'app', record }, follows)
  }

  takeIn(app: string, record: AppRecord, unanswered = false): Promise<StoreResult> {
    return this.#storeFirst(app, { kind: unanswered ? 'attempt' : 'app', record }, 'any')
  }

  #storeFirst(app: string, decoded: DecodedRecord, follows: number | 'any'): Promise<StoreResult> {
    const { record, kind } = decoded
    return changeFiles(
      this.#deps,
      app,
      `The record of "${app}" could not be stored`,
      () => this.#storing.runFirst(() => this.#store(app, decoded, follows)),
      formatFor(record, kind === 'attempt'),
    )
  }

  async release(app: string): Promise<void> {
    const { dir, log } = this.#deps
    this.#reserved.forget(app)
    const result = await changeFiles(
      this.#deps,
      app,
      `A mark of "${app}" could not be removed`,
      async () => {
        if (await this.#isNextNewer(app)) return NEWER_RESULT
        await platform.files.removeFile(filesOf(dir, app).next)
        await platform.files.syncDirectory(dir)
        return STORED_RESULT
      },
    )
    if (result.kind === 'unwritable') log.warn({ app }, result.failure.message)
  }

  remove(app: string): Promise<StoreResult> {
    return changeFiles(this.#deps, app, `The record of "${app}" could not be deleted`, async () => {
      const { dir, keys } = this.#deps
      const { record, next } = filesOf(dir, app)
      const newer = await isNewerRecord({ record, next }, app, keys.ring).catch(brokenIfUnreadable)
      if (newer === true) return NEWER_RESULT
      // The mark goes first: left alone, it would be taken for a request that was never answered.
      await platform.files.removeFile(next)
      await platform.files.removeFile(record)
      await platform.files.syncDirectory(dir)
      this.#reserved.forget(app)
      this.#uncertain.delete(app)
      this.#onDisk.setMisplaced(app, false)
      return STORED_RESULT
    })
  }

  async #store(app: string, decoded: DecodedRecord, follows: number | 'any'): Promise<StoreResult> {
    const { record } = decoded
    const { generation } = record
    const onDisk = await this.#onDisk.look(app, record)
    if (onDisk === 'newer' || (await this.#isNextNewer(app, follows))) return NEWER_RESULT
    const fits = onDisk === 'broken' || onDisk === follows
    const again = onDisk === generation && this.#uncertain.get(app) === generation
    const isForced = follows === 'any' && onDisk !== 'other'
    if (!fits && !again && !isForced) return { kind: 'changed' }
    const { dir, log, keys, onStep } = this.#deps
    const files = filesOf(dir, app)
    const report = (step: string) => {
      onStep(`store ${step}`, app)
    }
    this.#reserved.forget(app)
    this.#uncertain.set(app, generation)
    const text = await encodeRecord(app, decoded, keys.ring[0])
    await writeInPlace(files.next, text, report)
    if (onDisk === 'broken') {
      const path = await setAside(dir, files.record, damagedPath(dir, app))
      log.error({ app, path }, 'the record on disk was damaged: it is set aside')
    }
    await platform.files.replaceFile(files.next, files.record)
    report('renamed')
    await platform.files.syncDirectory(dir)
    report('directory-synced')
    this.#uncertain.delete(app)
    return STORED_RESULT
  }

  /** Runs outside the app's queue: it only reads, and a person may be waiting for it. */
  async isNewer(entry: VaultEntry): Promise<boolean> {
    const { dir, keys } = this.#deps
    try {
      return await isAnyNewer(filesOf(dir, entry.app), entry, keys.ring)
    } catch (error) {
      // The operation that needs the file reports what the disk refuses.
      if (isDiskError(error)) return false
      throw error
    }
  }

  async #load(entry: VaultEntry): Promise<LoadedRecord | undefined> {
    const { dir, log, keys } = this.#deps
    const recovery = new Recovery({ dir, log, ring: keys.ring }, entry)
    const unreadable = (reason: string, cause?: unknown) => {
      const { record } = filesOf(dir, entry.app)
      const message = `The record ${record} cannot be read now: ${reason}`
      return new SidecarError('unavailable', message, { cause })
    }
    const loaded = await recovery.run().catch((error: unknown) => {
      if (!isDiskError(error)) throw error
      throw unreadable(`${diskErrorInWords(error)}.`, error)
    })
    const missing = loaded ? undefined : keys.whyNotInPlace()
    if (missing !== undefined) throw unreadable(missing)
    this.#onDisk.setMisplaced(entry.app, recovery.misplaced)
    return loaded
  }

  /** Whether a newer version wrote the next record. What we reserved ourselves is ours, and is not read. */
  async #isNextNewer(app: string, generation: number | 'any' = 'any'): Promise<boolean> {
    if (generation !== 'any' && this.#reserved.isFor(app, generation)) return false
    return this.#onDisk.isNextNewer(app)
  }
}
