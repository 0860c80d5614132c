/**
 * Writes lines to a file of bounded size, for daemons whose output no service manager keeps. A full file
 * becomes `NAME.1`, and replaces the one before.
 */
import { appendFileSync, renameSync, statSync } from 'node:fs'
import { isDiskError } from '../files/disk-errors.ts'
import type { LineOutput } from './line-output.ts'

/** Weeks of an ordinary log. */
const LOG_FILE_MAX_BYTES = 5 * 1024 * 1024

/**
 * Renames a full file. False where a reader has it open, as one that follows it does on Windows: then
 * the log goes on in it, up to twice its size.
 */
function moveAside(path: string, mayStay: boolean): boolean {
  try {
    renameSync(path, `${path}.1`)
    return true
  } catch (error) {
    if (!mayStay || !isDiskError(error)) throw error
    return false
  }
}

export function createBoundedFile(path: string, maxBytes = LOG_FILE_MAX_BYTES): LineOutput {
  let size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return {
    /** A disk that refuses must not stop the daemon: the line is lost. */
    write(line) {
      try {
        const length = Buffer.byteLength(line)
        if (
          size > 0 &&
          size + length > maxBytes &&
          moveAside(path, size + length <= 2 * maxBytes)
        ) {
          size = 0
        }
        appendFileSync(path, line, { mode: 0o600 })
        size += length
      } catch (error) {
        if (!isDiskError(error)) throw error
      }
    },
    flush() {
      return
    },
  }
}
