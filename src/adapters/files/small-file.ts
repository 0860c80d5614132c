/**
 * Reads a file that a setting or an option names, and that may be anything. It has to be a regular
 * file, which is checked before it is opened: opening a device may have side effects. As many bytes are
 * read as its size says, up to a limit: files of the kernel, such as `/proc/kmsg`, have size 0, and
 * reading some of them changes them.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { platform } from '../../platform/current.ts'
import { diskErrorInWords, isDiskError } from './disk-errors.ts'

export type SmallFile =
  | { readonly kind: 'read'; readonly bytes: Buffer }
  /** `reason` completes "FILE …". */
  | { readonly kind: 'bad'; readonly reason: string }

const NOT_A_FILE: SmallFile = { kind: 'bad', reason: 'is not a regular file' }

export function readSmallFile(path: string, maxBytes: number): SmallFile {
  let file: number | undefined
  try {
    if (!statSync(path).isFile()) return NOT_A_FILE
    file = openSync(path, constants.O_RDONLY | platform.files.NO_WAIT)
    // It may have been replaced meanwhile.
    const stats = fstatSync(file)
    if (!stats.isFile()) return NOT_A_FILE
    const bytes = Buffer.alloc(Math.min(stats.size, maxBytes + 1))
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null)
    }
    return length > maxBytes
      ? { kind: 'bad', reason: `is longer than ${sizeInWords(maxBytes)}` }
      : { kind: 'read', bytes: bytes.subarray(0, length) }
  } catch (error) {
    if (!isDiskError(error)) throw error
    return { kind: 'bad', reason: `cannot be read: ${diskErrorInWords(error)}` }
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function sizeInWords(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`
}
