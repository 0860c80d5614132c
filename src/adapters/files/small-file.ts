/**
 * A file that a setting or an option names, and that may be anything: it is opened without waiting,
 * has to be a regular file, and is read up to a limit, whatever its size says.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { platform } from '../../platform/current.ts'

export type SmallFile =
  | { readonly kind: 'read'; readonly bytes: Buffer }
  /** `reason` completes "FILE …". */
  | { readonly kind: 'bad'; readonly reason: string }

export function readSmallFile(path: string, maxBytes: number): SmallFile {
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | platform.files.NO_WAIT)
    if (!fstatSync(file).isFile()) return { kind: 'bad', reason: 'is no regular file' }
    const bytes = Buffer.alloc(maxBytes + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null)
    }
    return length > maxBytes
      ? { kind: 'bad', reason: `is longer than ${sizeInWords(maxBytes)}` }
      : { kind: 'read', bytes: bytes.subarray(0, length) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { kind: 'bad', reason: `cannot be read (${code})` }
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function sizeInWords(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes / 1024} KiB`
}
