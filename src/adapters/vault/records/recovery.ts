/**
 * Reads an app's files after a stop of any kind: which record is valid, whether a request was under
 * way, and which files are left over. README, "Never lose a session", rules 8 and 10.
 */
import { existsSync } from 'node:fs'
import type { Identity } from '../../../core/app.ts'
import type { AppRecord, LoadedRecord, VaultEntry } from '../../../core/vault.ts'
import type { Log } from '../../../core/ports.ts'
import { platform } from '../../../platform/current.ts'
import { diskErrorInWords, isDiskError } from '../../files/disk-errors.ts'
import type { VaultKey } from '../sealing/key-ring.ts'
import type { DecodedRecord } from './record-codec.ts'
import { type AppFiles, damagedPath, filesOf, renameDurably, setAside } from './record-files.ts'
import { findNext, findRecord, type Found, isNewerRecord, sameIdentity } from './find-record.ts'

export interface RecoveryDeps {
  readonly dir: string
  readonly log: Log
  readonly ring: readonly VaultKey[]
}

const NO_RECORD = { record: undefined, kind: undefined } as const

/** Files that a newer version wrote stay as they are. */
const NEWER_RECORD: LoadedRecord = {
  record: undefined,
  unanswered: false,
  damaged: false,
  newer: true,
}

/** Puts one app's files in order, step by step. After a crash between two steps, the next start does the rest. */
export class Recovery {
  readonly #deps: RecoveryDeps
  readonly #entry: VaultEntry
  readonly #files: AppFiles
  #current: Found<DecodedRecord> = 'absent'
  #next: Found<DecodedRecord> = 'absent'
  #damaged = false
  /** The disk refused to rename the newest record: it still has the name of the next one. */
  misplaced = false

  constructor(deps: RecoveryDeps, entry: VaultEntry) {
    this.#deps = deps
    this.#entry = entry
    this.#files = filesOf(deps.dir, entry.app)
  }

  /** Undefined where the app has no file. */
  async run(): Promise<LoadedRecord | undefined> {
    const { identity } = this.#entry
    await this.#look()
    if (this.#current === 'newer' || this.#next === 'newer') return NEWER_RECORD
    const finished = finishRecord(this.#next, this.#current)
    if (finished) await this.#finish(finished)
    if (this.#current === 'broken') await this.#setDamagedAside()
    if (isRecord(this.#current) && !sameIdentity(this.#current.record.identity, identity)) {
      await this.#putAside(this.#current.record)
    }
    const aside = this.#current === 'absent' ? this.#files.aside(identity) : undefined
    if (aside && existsSync(aside.record)) {
      if (await isNewerRecord(aside, this.#entry.app, this.#deps.ring)) return NEWER_RECORD
      await this.#bringBack()
    }
    const { record, kind } = isRecord(this.#current) ? this.#current : NO_RECORD
    const isMarked = isUnanswered(this.#next, record?.generation ?? 0, identity)
    const unanswered = isMarked || kind === 'attempt'
    if (!isMarked && this.#next !== 'absent') {
      await this.#try('deleted', () => platform.files.removeFile(this.#files.next))
    }
    const damaged = this.#damaged
    return record || unanswered || damaged ? { record, unanswered, damaged } : undefined
  }

  async #look(): Promise<void> {
    const { app } = this.#entry
    const { ring } = this.#deps
    this.#current = await findRecord(this.#files, app, ring)
    this.#next = await findNext(this.#files, app, ring)
  }

  /** The next record was written completely, and only the rename is missing. */
  async #finish(finished: DecodedRecord): Promise<void> {
    const { dir, log } = this.#deps
    if (this.#current === 'broken') await this.#setDamagedAside()
    const { record, next } = this.#files
    const done = await this.#try('put in its place', () => renameDurably(dir, next, record))
    if (done)
      log.info({ app: this.#entry.app }, 'a record whose storing was interrupted is stored now')
    this.misplaced = !done
    this.#damaged = false
    this.#current = finished
    this.#next = 'absent'
  }

  async #setDamagedAside(): Promise<void> {
    const { dir, log } = this.#deps
    const { app } = this.#entry
    this.#damaged = true
    this.#current = 'absent'
    await this.#try('set aside', async () => {
      const path = await setAside(dir, this.#files.record, damagedPath(dir, app))
      log.error({ app, path }, 'a record is damaged, or belongs to another app: it is set aside')
    })
  }

  /** The mark goes first: left alone, it would be deleted as a leftover. */
  async #putAside({ identity, generation }: AppRecord): Promise<void> {
    const { dir, log } = this.#deps
    const { record, next, aside } = this.#files
    await this.#try('set aside', async () => {
      const there = aside(identity)
      if (isUnanswered(this.#next, generation, identity)) await setAside(dir, next, there.next)
      await setAside(dir, record, there.record)
      const { app } = this.#entry
      log.info({ app }, 'the config of the app changed: the record of the earlier one is set aside')
    })
    await this.#look()
    this.#current = 'absent'
  }

  async #bringBack(): Promise<void> {
    const { dir, log } = this.#deps
    const { app, identity } = this.#entry
    const aside = this.#files.aside(identity)
    await this.#try('brought back', async () => {
      // A torn one may belong to this identity: a crash between these two renames leaves one.
      if (existsSync(aside.next) && this.#next !== 'broken') {
        await platform.files.replaceFile(aside.next, this.#files.next)
      }
      await renameDurably(dir, aside.record, this.#files.record)
      log.info({ app }, 'the config fits a record again that was set aside: it is in use')
    })
    await this.#look()
    if (this.#current === 'broken') await this.#setDamagedAside()
  }

  /** Runs a step of tidying up: where the disk refuses, that is logged and no record is lost. @returns whether it was done. */
  async #try(what: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!isDiskError(error)) throw error
      const { app } = this.#entry
      this.#deps.log.warn(
        { app, reason: diskErrorInWords(error) },
        `a file of the vault could not be ${what}`,
      )
      return false
    }
  }
}

/** The next record, if it follows the current one. A mark does not: it is a copy of the current one. */
function finishRecord(
  next: Found<DecodedRecord>,
  current: Found<DecodedRecord>,
): DecodedRecord | undefined {
  if (!isRecord(next)) return undefined
  // There is no other record to compare it with; a mark may be of one that is gone.
  if (!isRecord(current)) return next.kind === 'app' ? next : undefined
  const follows =
    next.record.generation > current.record.generation &&
    sameIdentity(next.record.identity, current.record.identity)
  return follows ? next : undefined
}

function isRecord(found: Found<DecodedRecord>): found is DecodedRecord {
  return typeof found === 'object'
}

/** Whether a request has no answer: there is a mark for this record, or a torn file, in which a mark or an answer was being written. */
function isUnanswered(next: Found<DecodedRecord>, generation: number, identity: Identity): boolean {
  if (typeof next === 'string') return next === 'broken'
  return (
    next.kind === 'attempt' &&
    next.record.generation === generation &&
    sameIdentity(next.record.identity, identity)
  )
}
