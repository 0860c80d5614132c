/**
 * Writes lines to a file descriptor, in order: the writer of a line never waits for its reader, and
 * nothing that happens to the output ends or stops the process. (sonic-boom, which pino would use,
 * does not return from its last flush while the disk is full.) Writes are not left to Node's threads:
 * at the end we could not know which lines one of them still holds.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'

/** Enough for a reader that stalls for minutes; then lines are dropped, and a line says how many. */
const PENDING_MAX_CHARACTERS = 4 * 1024 * 1024

/** The most lines that are written in one turn. */
const BATCH_MAX_LINES = 1000

/** A single line is written at once; a stream of lines is written in batches, this often. */
const BATCH_MS = 10

/** The shortest and the longest wait before a full output is tried again. */
const FULL_MIN_MS = 1
const FULL_MAX_MS = 50

/** The last flush gives up an output that has taken nothing for so long. */
const STUCK_MS = 1_000

export interface LineOutput {
  write(line: string): void
  /** Writes what still waits, before it returns; gives up where the output does not take it. */
  flush(): void
}

/** @param toShown what is written of a line, where that is not the line itself. */
export function createLineOutput(
  fd: number,
  toShown: (line: string) => string = (line) => line,
): LineOutput {
  const output = openNonBlocking(fd)
  let pending: string[] = []
  let size = 0
  /** What the output has not taken yet of the last batch. */
  let rest: Buffer = Buffer.alloc(0)
  let lost = 0
  let scheduled = false
  let broken = false
  let lastBatchAt = -Infinity
  let fullMs = FULL_MIN_MS

  function start(): void {
    if (scheduled || pending.length === 0) return
    scheduled = true
    const sinceMs = performance.now() - lastBatchAt
    if (sinceMs >= BATCH_MS) setImmediate(writeBatch)
    else setTimeout(writeBatch, BATCH_MS - sinceMs)
  }

  function writeBatch(): void {
    lastBatchAt = performance.now()
    if (rest.length === 0) rest = takeBatch(BATCH_MAX_LINES)
    const error = writeRest()
    if (isFull(error)) {
      setTimeout(writeBatch, fullMs)
      fullMs = Math.min(2 * fullMs, FULL_MAX_MS)
      return
    }
    fullMs = FULL_MIN_MS
    scheduled = false
    if (error) giveUp(error)
    else reportLosses()
    start()
  }

  function takeBatch(lines: number): Buffer {
    const batch = pending.slice(0, lines).join('')
    pending = pending.slice(lines)
    size -= batch.length
    return Buffer.from(batch)
  }

  /** Writes the rest of the batch. Returns why not all of it could be written, if so. */
  function writeRest(): NodeJS.ErrnoException | undefined {
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(output, rest))
      return undefined
    } catch (error) {
      return error as NodeJS.ErrnoException
    }
  }

  /** A reader that is gone does not come back; a full disk may be emptied. */
  function giveUp(error: NodeJS.ErrnoException): void {
    broken = error.code === 'EPIPE' || error.code === 'EBADF'
    lost += pending.length + 1
    pending = []
    rest = Buffer.alloc(0)
    size = 0
  }

  function reportLosses(): void {
    if (lost === 0) return
    const report = JSON.stringify({ level: 'warn', lost, msg: 'log lines were lost' })
    pending.unshift(toShown(`${report}\n`))
    lost = 0
  }

  return {
    write(line) {
      if (broken) return
      if (size > PENDING_MAX_CHARACTERS) {
        lost += 1
        return
      }
      const shown = toShown(line)
      pending.push(shown)
      size += shown.length
      start()
    },
    flush() {
      rest = Buffer.concat([rest, takeBatch(pending.length)])
      let left = rest.length
      let progressAt = performance.now()
      // Any other error is dropped: there is no place to report it.
      while (isFull(writeRest()) && performance.now() - progressAt < STUCK_MS) {
        if (rest.length < left) progressAt = performance.now()
        left = rest.length
        Atomics.wait(PAUSE, 0, 0, FULL_MIN_MS)
      }
    },
  }
}

/** Never changed; waiting on it is the only way to pause without the event loop. */
const PAUSE = new Int32Array(new SharedArrayBuffer(4))

/** Keeps the sockets from being collected, which would close them. */
const keptSockets: Socket[] = []

/** A descriptor of the same output that says EAGAIN where it would make us wait. */
function openNonBlocking(fd: number): number {
  try {
    const stats = fstatSync(fd)
    if (stats.isFIFO() || stats.isSocket()) {
      // Made for its side effect: Node has no other way to set O_NONBLOCK on what is open already.
      keptSockets.push(new Socket({ fd, readable: false, writable: true }).unref())
    } else if (isatty(fd)) {
      return openSync('/dev/tty', constants.O_WRONLY | constants.O_NONBLOCK)
    }
  } catch {
    // The descriptor is closed, or a terminal that is not ours: the writes to it will show that.
  }
  return fd
}

function isFull(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.code === 'EAGAIN'
}
