/**
 * Interim responses, such as "100 Continue", which a client has to expect whether it asked for one or
 * not (RFC 9110 §15.2). undici breaks the connection off at such a one: the answer behind it would be lost.
 */
import type { Socket } from 'node:net'

const INTERIM_STATUS_LINE = /^HTTP\/1\.[01] 1(?!01)\d\d/
const LONGEST_HEAD = 16 * 1024

/** As much as `INTERIM_STATUS_LINE` looks at. */
const STATUS_LINE_START = 'HTTP/1.1 100'.length

/** Takes the interim responses out of what `socket` reads first. */
export function skipInterimResponses(socket: Socket): void {
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null
  let held = Buffer.alloc(0)
  let isOver = false
  socket.read = (size?: number) => {
    if (isOver) return read(size)
    for (let chunk = read(size); chunk !== null; chunk = read(size)) {
      held = Buffer.concat([held, chunk])
      const rest = behindInterim(held)
      if (rest) {
        isOver = true
        return rest
      }
    }
    return null
  }
}

/** Undefined while it cannot be told where the response itself begins. */
function behindInterim(bytes: Buffer): Buffer | undefined {
  const text = bytes.toString('latin1', 0, LONGEST_HEAD)
  if (text.length < STATUS_LINE_START) return undefined
  if (!INTERIM_STATUS_LINE.test(text)) return bytes
  const end = /\r?\n\r?\n/.exec(text)
  if (!end) return text.length < LONGEST_HEAD ? undefined : bytes
  return behindInterim(bytes.subarray(end.index + end[0].length))
}
