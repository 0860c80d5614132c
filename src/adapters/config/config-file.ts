/**
 * Reads the config, and refuses one that another user may have written: the config decides which
 * server gets the refresh tokens and which program the daemon runs.
 */
import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { parseConfig } from '../../config.ts'
import type { Config } from '../../config/config.ts'
import type { ConfigFault } from '../../config/faults.ts'
import { decodeFileText } from '../../core/file-text.ts'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../files/disk-errors.ts'

export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly ConfigFault[]
}

export interface Reader {
  /** Files of this user and of root are trusted; the user of this process unless it is given. */
  readonly uid?: number | undefined
  /** Where `~/` leads. */
  readonly home?: string | undefined
}

/** 10,000 apps take 1 to 3 MiB; and it is small enough to read at once. */
const SIZE_MAX = 4 * 1024 * 1024

/** More lines than a person reads at once, and than a log line should have. */
const FAULTS_SHOWN_MAX = 100

/** @throws {SidecarError} `config`, with one line per fault. */
export async function loadConfig(path: string, reader: Reader = {}): Promise<LoadedConfig> {
  const text = await readConfig(path, reader)
  if (text === undefined) {
    throw new SidecarError('config', `There is no config at ${path}.`, {
      hint: 'Write one with `evo-token init`.',
    })
  }
  const result = parseConfig(text, reader.home)
  if (result.kind === 'ok') return { config: result.config, warnings: result.warnings }
  const shown = faultLines(path, result.faults.slice(0, FAULTS_SHOWN_MAX))
  const more = result.faults.length - FAULTS_SHOWN_MAX
  throw new SidecarError('config', more > 0 ? `${shown}\n${path}: and ${more} more` : shown)
}

/** One line for each fault, for people: file, setting, message. */
export function faultLines(file: string, faults: readonly ConfigFault[]): string {
  return faults
    .map(({ path, message }) => [file, ...(path ? [path] : []), message].join(': '))
    .join('\n')
}

/**
 * The text of the config; undefined where there is none.
 *
 * @throws {SidecarError} `config` where it cannot be read, or another user may have written it.
 */
export async function readConfig(path: string, { uid }: Reader = {}): Promise<string | undefined> {
  let file: FileHandle
  try {
    // Before it is opened: opening a device may have side effects.
    requireRegular(await stat(path), path)
    // Without O_NONBLOCK, opening a named pipe would wait.
    file = await open(path, constants.O_RDONLY | platform.files.NO_WAIT)
  } catch (error) {
    if (!isDiskError(error)) throw error
    const { code } = error
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new SidecarError('config', `${path} cannot be read: ${diskErrorInWords(error)}.`, {
      cause: error,
      hint: code === 'EACCES' ? 'Let the user that runs evo-token read it.' : wayOutOf(error),
    })
  }
  try {
    // The checks are on the open file, so that what is read is what was checked.
    const { size } = await refuseUntrusted(file, path, uid)
    return decodeConfig(await readUpTo(file, size), path)
  } finally {
    await file.close()
  }
}

async function refuseUntrusted(
  file: FileHandle,
  path: string,
  uid: number | undefined,
): Promise<Stats> {
  const stats = await file.stat()
  requireRegular(stats, path)
  if (stats.size > SIZE_MAX) {
    throw new SidecarError('config', `${path} is larger than 4 MiB: it cannot be a config.`)
  }
  if (!ownership.isTrusted(stats, uid)) {
    throw new SidecarError('config', `${path} belongs to another user (uid ${stats.uid}).`, {
      hint: `Read it, then make it yours: sudo chown "$(id -un)" ${platform.quoted(path)}`,
    })
  }
  if (othersMayWriteConfig(stats)) {
    throw new SidecarError('config', `Other users may write to ${path}.`, {
      hint: `Read it, then close it: chmod go-w ${platform.quoted(path)}`,
    })
  }
  const access = await platform.files.askAccess(path, 'write')
  if (access.kind === 'open') {
    throw new SidecarError('config', `${path} ${access.reason}.`, {
      hint: `Read it through, then close it: ${access.mend}`,
    })
  }
  return stats
}

function requireRegular(stats: Stats, path: string): void {
  if (!stats.isFile()) throw new SidecarError('config', `${path} is not a regular file.`)
}

/** Group write permission is allowed for a private group, which users have on most distributions. */
function othersMayWriteConfig(stats: Stats): boolean {
  const { mode, gid, uid } = stats
  if (!ownership.othersMayWrite(stats)) return false
  return (
    ownership.othersMayWrite({ mode: mode & ~GROUP_MAY_WRITE }) ||
    !platform.isPrivateGroup(gid, uid)
  )
}

const GROUP_MAY_WRITE = 0o020

/** Reads as many bytes as the size says: files of the kernel have size 0, and must not be read. */
async function readUpTo(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size)
  let length = 0
  for (let read = -1; read !== 0 && length < size; length += read) {
    read = (await file.read(bytes, length, size - length)).bytesRead
  }
  return bytes.subarray(0, length)
}

/** Keeps a byte order mark: `init` must not change what it adds to. */
function decodeConfig(bytes: Buffer, path: string): string {
  try {
    return decodeFileText(bytes)
  } catch (error) {
    throw new SidecarError('config', `${path} is not UTF-8 text.`, { cause: error })
  }
}
