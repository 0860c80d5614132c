/**
 * Lines to a file descriptor, in order and in the background: whoever writes a line never waits for
 * whoever reads it, and nothing that happens to the output ends or stops the process. (sonic-boom,
 * which pino would use, does not return from its last flush while the disk is full.)
 */
import { write, writeSync } from 'node:fs'

/** Enough for minutes of a reader that stands still; then lines are dropped, and that is told. */
const PENDING_MAX_CHARACTERS = 4 * 1024 * 1024

/** As much as goes out in one call. */
const BATCH_MAX_LINES = 1000

/** A line that comes alone goes out at once; of a stream of them a batch goes out this often. */
const BATCH_MS = 10

/** A pipe that is full and does not block is tried again after that long. */
const FULL_PIPE_MS = 20

export interface LineOutput {
  write(line: string): void
  /** Writes what still waits, before it returns; gives up where the output does not take it. */
  flush(): void
}

export function createLineOutput(fd: number): LineOutput {
  let pending: string[] = []
  let size = 0
  let lost = 0
  let writing = false
  let broken = false
  let lastBatchAt = -Infinity

  function start(): void {
    if (writing || pending.length === 0) return
    writing = true
    const sinceMs = performance.now() - lastBatchAt
    if (sinceMs >= BATCH_MS) setImmediate(writeBatch)
    else setTimeout(writeBatch, BATCH_MS - sinceMs)
  }

  function writeBatch(): void {
    lastBatchAt = performance.now()
    writeOut(takeBatch(BATCH_MAX_LINES))
  }

  function takeBatch(lines: number): Buffer {
    const batch = pending.slice(0, lines).join('')
    pending = pending.slice(lines)
    size -= batch.length
    return Buffer.from(batch)
  }

  function writeOut(bytes: Buffer): void {
    write(fd, bytes, (error, written) => {
      const rest = bytes.subarray(error ? 0 : written)
      if (isFullPipe(error)) setTimeout(writeOut, FULL_PIPE_MS, rest)
      else if (!error && rest.length > 0) writeOut(rest)
      else settle(error)
    })
  }

  function settle(error: NodeJS.ErrnoException | null): void {
    writing = false
    if (error) giveUp(error)
    else tellLosses()
    start()
  }

  /** A reader that is gone does not come back; a full disk may be emptied. */
  function giveUp(error: NodeJS.ErrnoException): void {
    broken = error.code === 'EPIPE' || error.code === 'EBADF'
    lost += pending.length + 1
    pending = []
    size = 0
  }

  function tellLosses(): void {
    if (lost === 0) return
    pending.unshift(`${JSON.stringify({ level: 'warn', lost, msg: 'log lines were lost' })}\n`)
    lost = 0
  }

  return {
    write(line) {
      if (broken) return
      if (size > PENDING_MAX_CHARACTERS) {
        lost += 1
        return
      }
      pending.push(line)
      size += line.length
      start()
    },
    flush() {
      let bytes = takeBatch(pending.length)
      try {
        while (bytes.length > 0) bytes = bytes.subarray(writeSync(fd, bytes))
      } catch {
        // Nobody takes it, and there is nowhere to tell of that.
      }
    },
  }
}

function isFullPipe(error: NodeJS.ErrnoException | null): boolean {
  return error?.code === 'EAGAIN'
}
