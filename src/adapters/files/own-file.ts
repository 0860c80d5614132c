/**
 * Finds and reads a file of this user in a directory that others may write to: follows links of this
 * user only, opens without following a link and without waiting, and reads up to a limit.
 */
import { constants, type Stats } from 'node:fs'
import { lstat, open, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'
import { isOfKernel } from './kernel-files.ts'

/** More links than anything but an attack or a loop has in a row. */
const MOST_LINKS = 8

export const MOVE_AWAY = 'Move it away, or name another path in "files" of the config.'

export interface OwnFile {
  /** The real path: no part of it is a link. */
  readonly path: string
  /** What is there: a file, or a directory, which cannot be replaced; undefined where there is neither. */
  readonly stats: Stats | undefined
}

/**
 * Follows `path`, through links of this user, such as those of a dotfile manager, to a file of this
 * user, or to where one can be created.
 *
 * @throws {SidecarError} `failed` where something else is there; errors of the file system.
 */
export async function findOwnFile(path: string, links = MOST_LINKS): Promise<OwnFile> {
  // A link on the way may lead anywhere, such as into a git repository.
  const directory = await realpath(dirname(resolve(path)))
  const place = join(directory, basename(path))
  const stats = await lstat(place).catch(ignoreMissing)
  if (!stats?.isSymbolicLink()) {
    if (stats && !stats.isDirectory()) refuseOthers(place, stats)
    if (await isOfKernel(directory)) throw toRefusal(`${place} would not be a file on a disk.`)
    return { path: place, stats }
  }
  if (!ownership.isOwn(stats)) {
    throw toRefusal(`${place} is a link that another user made.`)
  }
  if (links === 0) throw toRefusal(`${place} leads through more than ${MOST_LINKS} links.`)
  return findOwnFile(resolve(directory, await readlink(place)), links - 1)
}

/**
 * The content of the file that `findOwnFile` found; undefined where it no longer exists.
 *
 * @throws {SidecarError} `failed` where it is not a file of this user, or is larger than `maxBytes`.
 */
export async function readOwnFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const { NO_FOLLOW, NO_WAIT } = platform.files
  const flags = constants.O_RDONLY | NO_FOLLOW | NO_WAIT
  const file = await platform.files.whenFree(() => open(path, flags)).catch(ignoreMissing)
  if (!file) return undefined
  try {
    // The file may have been replaced since it was found.
    const stats = await file.stat()
    refuseOthers(path, stats)
    if (stats.size > maxBytes) throw toFileTooLargeError(path, maxBytes)
    const bytes = Buffer.alloc(stats.size + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length)
      length += bytesRead
      if (bytesRead === 0 || length === bytes.length) break
    }
    // What was added since would be lost.
    if (length === bytes.length) throw toRefusal(`${path} grew while it was read.`)
    return bytes.subarray(0, length)
  } finally {
    await file.close()
  }
}

/** @throws {SidecarError} `failed` unless it is a file of this user. */
export function refuseOthers(path: string, stats: Stats): void {
  if (!stats.isFile()) throw toRefusal(`${path} is ${nameFileKind(stats)}, not a file.`)
  if (!ownership.isOwn(stats)) throw toRefusal(`${path} belongs to another user.`)
}

export function toFileTooLargeError(path: string, maxBytes: number): SidecarError {
  return toRefusal(`${path} is larger than ${Math.floor(maxBytes / 1024)} KiB.`)
}

function nameFileKind(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a named pipe'
  if (stats.isSocket()) return 'a socket'
  return stats.isSymbolicLink() ? 'a link' : 'a device'
}

function toRefusal(message: string): SidecarError {
  return new SidecarError('failed', message, { hint: MOVE_AWAY })
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
