/**
 * Writes lines to a file of bounded size, for daemons whose output no service manager keeps. A full file
 * becomes `NAME.1`, and replaces the one before.
 */
import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { isDiskError } from '../files/disk-errors.ts'
import type { LineOutput } from './line-output.ts'

/** Weeks of an ordinary log. */
const LOG_FILE_MAX_BYTES = 5 * 1024 * 1024

/** What waits for a file that cannot be written now: as a virus scanner holds it on Windows, or on a full disk. */
const MAX_WAITING_BYTES = 256 * 1024

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
  let waiting = Buffer.alloc(0)

  function append(): void {
    const file = openSync(path, 'a', 0o600)
    try {
      while (waiting.length > 0) {
        const written = writeSync(file, waiting)
        waiting = waiting.subarray(written)
        size += written
      }
    } finally {
      closeSync(file)
    }
  }

  /** A disk that refuses must not stop the daemon: the lines wait for the next one. */
  function tryToAppend(): void {
    try {
      const after = size + waiting.length
      if (size > 0 && after > maxBytes && moveAside(path, after <= 2 * maxBytes)) size = 0
      append()
    } catch (error) {
      if (!isDiskError(error)) throw error
    }
  }

  return {
    write(line) {
      const bytes = Buffer.from(line)
      // Beyond that, lines are lost.
      if (waiting.length + bytes.length > MAX_WAITING_BYTES && waiting.length > 0) return
      waiting = Buffer.concat([waiting, bytes])
      tryToAppend()
    },
    flush: tryToAppend,
  }
}
