/**
 * Interim responses, such as "100 Continue", which a client has to expect whether it asked for one or
 * not (RFC 9110 §15.2). undici breaks the connection off at such a one: the answer behind it would be lost.
 */
import type { Socket } from 'node:net'

const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d/
const LONGEST_HEAD = 16 * 1024

/** As much as `INTERIM` looks at. */
const STATUS_LINE_START = 'HTTP/1.1 100'.length

/** Takes the interim responses out of what `socket` reads first. */
export function skipInterimResponses(socket: Socket): void {
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null
  let held: Buffer = Buffer.alloc(0)
  let isOver = false
  socket.read = (size?: number) => {
    if (isOver) return read(size)
    for (let chunk = read(size); chunk !== null; chunk = read(size)) {
      held = skipWhole(Buffer.concat([held, chunk]))
      if (!mayBeInterim(held)) {
        isOver = true
        return held
      }
    }
    return null
  }
}

/** `bytes` behind the interim responses in it that have their end: a server may send one each second while it works. */
function skipWhole(bytes: Buffer): Buffer {
  let rest = bytes
  for (let end = endOfInterim(rest); end > 0; end = endOfInterim(rest)) rest = rest.subarray(end)
  return rest
}

/** 0 where `bytes` begin with no interim response, or with one that has no end yet. */
function endOfInterim(bytes: Buffer): number {
  const text = bytes.toString('latin1', 0, LONGEST_HEAD)
  const end = INTERIM.test(text) ? /\r?\n\r?\n/.exec(text) : null
  return end ? end.index + end[0].length : 0
}

/** Whether `bytes` are too few to tell, or the beginning of an interim response. */
function mayBeInterim(bytes: Buffer): boolean {
  if (bytes.length < STATUS_LINE_START) return true
  return bytes.length < LONGEST_HEAD && INTERIM.test(bytes.toString('latin1', 0, STATUS_LINE_START))
}
