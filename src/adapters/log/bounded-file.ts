/**
 * Lines to a file that does not grow without end: where no service manager takes what the daemon prints. A
 * full file becomes `NAME.1`, in the place of the one before.
 */
import { appendFileSync, renameSync, statSync } from 'node:fs'
import { isDiskError } from '../files/disk-errors.ts'
import type { LineOutput } from './line-output.ts'

/** Weeks of an ordinary log. */
const MAX_BYTES = 5 * 1024 * 1024

export function createBoundedFile(path: string, maxBytes = MAX_BYTES): LineOutput {
  let size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  return {
    /** A disk that refuses must not stop the daemon: the line is lost. */
    write(line) {
      try {
        const length = Buffer.byteLength(line)
        if (size > 0 && size + length > maxBytes) {
          renameSync(path, `${path}.1`)
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
