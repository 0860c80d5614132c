/**
 * The vault's files, and the operations on them. Every step leaves either the old file or the new one;
 * nothing that may still be needed is deleted.
 *
 *     APP.jwe                  the record
 *     APP.jwe.new              room for the next one, with a mark while a request is under way
 *     APP.IDENTITY.aside       a record (and `.aside.new`) of what the app was before the config changed
 *     APP.damaged-TIME         what does not decrypt
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fsync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Identity } from '../../../core/app.ts'
import { platform } from '../../../platform/current.ts'
import { isDiskError } from '../../files/disk-errors.ts'

const sync = promisify(fsync)

/** Called after each step that a kill could follow. @param app the app whose files the step changed, if it was one app's. */
export type OnStep = (step: string, app?: string) => void

/** More than a usual token response. */
const ROOM_MIN_BYTES = 64 * 1024

export interface AppFiles {
  readonly record: string
  readonly next: string
  readonly aside: (identity: Identity) => { readonly record: string; readonly next: string }
}

export function filesOf(dir: string, app: string): AppFiles {
  return {
    record: join(dir, `${app}.jwe`),
    next: join(dir, `${app}.jwe.new`),
    aside: (identity) => {
      const record = join(dir, `${app}.${digestIdentity(identity)}.aside`)
      return { record, next: `${record}.new` }
    },
  }
}

function digestIdentity({ clientId, issuer, tokenEndpoint, type }: Identity): string {
  const canonical = JSON.stringify({ clientId, issuer, tokenEndpoint, type })
  return createHash('sha256').update(canonical).digest('hex').slice(0, 16)
}

export interface FoundFile {
  readonly app: string
  readonly path: string
  /** Whether the file is room for a next record, which has to stay when the file is rewritten. */
  readonly reserves: boolean
}

/** Every file that may hold a record: not damaged ones, and not files of other programs. */
export function recordFiles(dir: string): FoundFile[] {
  return readdirSync(dir).flatMap((name) => {
    const [, app, reserves] =
      /^([^.].*?)(?:\.jwe|\.[0-9a-f]{16}\.aside)(\.new)?(?:-[0-9TZ]+)?$/.exec(name) ?? []
    return app === undefined
      ? []
      : [{ app, path: join(dir, name), reserves: reserves !== undefined }]
  })
}

/** Undefined where there is no such file. */
export function readTextIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isDiskError(error) && error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Bytes to reserve for the record that follows one of `bytes`: the next power of two above twice as
 * much, since a token response is about as long as the one before it.
 */
export function roomFor(bytes: number): number {
  return Math.max(ROOM_MIN_BYTES, 2 ** Math.ceil(Math.log2(2 * bytes + 1)))
}

/**
 * `text`, which is ASCII, with room after it: real bytes, since a sparse file would reserve nothing.
 *
 * @param bytes of the record to come, where that is known.
 */
export function padToRoom(text: string, bytes = 0): string {
  return text.padEnd(roomFor(Math.max(text.length, bytes)), '\n')
}

/**
 * Overwrites the file, so that its blocks are used again, and only then cuts off the rest.
 * `writeFileSync` rather than `write`, which on a full disk may write less without an error. All but
 * the sync is synchronous: a turn of the event loop for each call would keep a token response in
 * memory for longer than the disk takes. After a failure, a file that is new is deleted.
 */
export async function writeInPlace(path: string, text: string, onStep: OnStep): Promise<void> {
  const existed = existsSync(path)
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | platform.files.NO_FOLLOW
    // On Windows a virus scanner may have it: then the one copy of a new refresh token is in memory.
    const file = await platform.files.whenFree(() => openSync(path, flags, 0o600))
    try {
      onStep('opened')
      writeFileSync(file, text)
      ftruncateSync(file, Buffer.byteLength(text))
      onStep('written')
      await sync(file)
      onStep('synced')
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (!existed) await platform.files.removeFile(path).catch(() => undefined)
    throw error
  }
}

/** Changes when the file is replaced or written; undefined where there is none. */
export function stampOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ')
}

export async function renameDurably(dir: string, from: string, to: string): Promise<void> {
  await platform.files.replaceFile(from, to)
  await platform.files.syncDirectory(dir)
}

/** As `renameDurably`, to a name like `to` that is still free. @returns the new path. */
export async function setAside(dir: string, from: string, to: string): Promise<string> {
  const time = new Date().toISOString().replaceAll(/[-:.]/g, '')
  const free = existsSync(to) ? `${to}-${time}` : to
  await renameDurably(dir, from, free)
  return free
}

export function damagedPath(dir: string, app: string): string {
  const time = new Date().toISOString().replaceAll(/[-:.]/g, '')
  return join(dir, `${app}.damaged-${time}`)
}
