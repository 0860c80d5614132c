/**
 * A file that only its user should have made, at a place that others may reach: found through links of
 * that user alone, opened without following one and without waiting, and read up to a limit.
 */
import { constants, type Stats } from 'node:fs'
import { lstat, open, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'

/** More than a chain of links that a person made. */
const MOST_LINKS = 8

const TAKE_AWAY = 'Take it away, or name another path in "files" of the config.'

export interface OwnFile {
  /** Where it really is: no part of the path is a link. */
  readonly path: string
  /** A file, or a directory, which nothing can replace; undefined where there is neither. */
  readonly stats: Stats | undefined
}

/**
 * Where `path` leads: through a link of this user, such as that of a dotfile manager, to a file of this
 * user, or to where one can be made.
 *
 * @throws {SidecarError} `failed` where something else is there; what the file system says.
 */
export async function findOwnFile(path: string, links = MOST_LINKS): Promise<OwnFile> {
  // A link on the way may lead anywhere, into a git repository for one.
  const directory = await realpath(dirname(resolve(path)))
  const place = join(directory, basename(path))
  const stats = await lstat(place).catch(ignoreMissing)
  if (!stats?.isSymbolicLink()) {
    if (stats && !stats.isDirectory()) refuseOthers(place, stats)
    return { path: place, stats }
  }
  if (!ownership.isOwn(stats)) {
    throw refusal(`${place} is a link that another user made.`)
  }
  if (links === 0) throw refusal(`${place} is a link that leads on to others without an end.`)
  return findOwnFile(resolve(directory, await readlink(place)), links - 1)
}

/**
 * What is in the file at `path`, which `findOwnFile` has found; undefined where there is none any more.
 *
 * @throws {SidecarError} `failed` where it is not a file of this user, or is larger than `maxBytes`.
 */
export async function readOwnFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const { NO_FOLLOW, NO_WAIT } = platform.files
  const flags = constants.O_RDONLY | NO_FOLLOW | NO_WAIT
  const file = await open(path, flags).catch(ignoreMissing)
  if (!file) return undefined
  try {
    // What was opened may be another file than what was found.
    const stats = await file.stat()
    refuseOthers(path, stats)
    const bytes = Buffer.alloc(Math.min(stats.size, maxBytes) + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length)
      length += bytesRead
      if (bytesRead === 0 || length === bytes.length) break
    }
    // It may also have grown meanwhile.
    if (stats.size > maxBytes || length === bytes.length) {
      throw refusal(`${path} is larger than ${Math.floor(maxBytes / 1024)} KiB.`)
    }
    return bytes.subarray(0, length)
  } finally {
    await file.close()
  }
}

/** @throws {SidecarError} `failed` unless it is a file of this user. */
export function refuseOthers(path: string, stats: Stats): void {
  if (!stats.isFile()) throw refusal(`${path} is ${kindOf(stats)}, not a file.`)
  if (!ownership.isOwn(stats)) throw refusal(`${path} belongs to another user.`)
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a named pipe'
  if (stats.isSocket()) return 'a socket'
  return stats.isSymbolicLink() ? 'a link' : 'a device'
}

function refusal(message: string): SidecarError {
  return new SidecarError('failed', message, { hint: TAKE_AWAY })
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
