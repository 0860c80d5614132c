/** The last lines of a service's log file, for a message about a daemon that does not start. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'

const TAIL_LINES = 10

/** A log may have grown for years. */
const TAIL_BYTES = 64 * 1024

/** Empty where there is no log. */
export function lastLinesOf(log: string): string {
  if (statSync(log, { throwIfNoEntry: false })?.isFile() !== true) return ''
  const file = openSync(log, 'r')
  try {
    const start = Math.max(0, fstatSync(file).size - TAIL_BYTES)
    const bytes = Buffer.alloc(TAIL_BYTES)
    const read = readSync(file, bytes, 0, TAIL_BYTES, start)
    return bytes.toString('utf8', 0, read).trim().split('\n').slice(-TAIL_LINES).join('\n')
  } finally {
    closeSync(file)
  }
}
