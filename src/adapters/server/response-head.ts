/**
 * Makes the head of an answer one that undici takes. It breaks the connection off at an interim response
 * such as "100 Continue", which a client has to expect whether it asked for one or not (RFC 9110 §15.2), and at
 * headers that other clients forgive: the answer behind them would be lost, and with it the session.
 */
import type { Socket } from 'node:net'

const BEGINNING = /^HTTP\/1\.[01] \d\d\d/
const INTERIM = /^HTTP\/1\.[01] 1(?!01)/

/** As much as `BEGINNING` looks at. */
const BEGINNING_LENGTH = 'HTTP/1.1 100'.length

/** A company's gateway adds headers of tens of KiB. */
export const HEAD_MAX_BYTES = 1024 * 1024

/** A field line (RFC 9112 §5), also with blanks before its colon. */
const FIELD = /^([!#$%&'*+.^`|~\w-]+)[ \t]*:([\t\x20-\x7e\x80-\xff]*)$/

const FRAMING = /^(?:content-length|transfer-encoding)$/i

/** Takes the interim responses out of what `socket` reads first, and tidies the head behind them. */
export function tidyHead(socket: Socket): void {
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null
  let held: Buffer = Buffer.alloc(0)
  let isOver = false
  socket.read = (size?: number) => {
    if (isOver) return read(size)
    for (let chunk = read(size); chunk !== null; chunk = read(size)) {
      held = behindInterim(Buffer.concat([held, chunk]))
      const end = endOfHead(held)
      if (end === 0 && mayBeHead(held)) continue
      isOver = true
      const head = tidied(held.toString('latin1', 0, end))
      return Buffer.concat([Buffer.from(head, 'latin1'), held.subarray(end)])
    }
    return null
  }
}

/** `bytes` without the interim responses that have their end: a server may send one each second while it works. */
function behindInterim(bytes: Buffer): Buffer {
  let rest = bytes
  while (INTERIM.test(beginningOf(rest))) {
    const end = endOfHead(rest)
    if (end === 0) break
    rest = rest.subarray(end)
  }
  return rest
}

/** Where the empty line ends; 0 where there is none yet, or no head. */
function endOfHead(bytes: Buffer): number {
  if (!BEGINNING.test(beginningOf(bytes))) return 0
  const ends = ['\n\r\n', '\n\n'].flatMap((mark) => {
    const at = bytes.indexOf(mark)
    return at === -1 ? [] : [at + mark.length]
  })
  return ends.length === 0 ? 0 : Math.min(...ends)
}

/** Whether `bytes` are too few to tell, or a head without its end. */
function mayBeHead(bytes: Buffer): boolean {
  if (bytes.length < BEGINNING_LENGTH) return true
  return bytes.length < HEAD_MAX_BYTES && BEGINNING.test(beginningOf(bytes))
}

function beginningOf(bytes: Buffer): string {
  return bytes.toString('latin1', 0, BEGINNING_LENGTH)
}

/** `head` without what is no field line, and with one statement of the body's length at most. */
function tidied(head: string): string {
  if (head === '') return ''
  const [status = '', ...lines] = head.split(/\r?\n/)
  const fields = lines.map((line) => FIELD.exec(line)).filter((field) => field !== null)
  const valuesOf = (name: string) =>
    fields
      .filter(([, one = '']) => one.toLowerCase() === name)
      .flatMap(([, , value = '']) => value.toLowerCase().split(','))
      .map((value) => value.trim())
  const kept = fields
    .filter(([, name = '']) => !FRAMING.test(name))
    .map(([, name = '', value = '']) => `${name}:${value}`)
  return [
    status,
    ...kept,
    ...framingOf(valuesOf('transfer-encoding'), valuesOf('content-length')),
    '',
    '',
  ].join('\r\n')
}

/** Chunks hold, whatever length is stated beside them (RFC 9112 §6.3); lengths that differ say nothing: the connection ends then. */
function framingOf(codings: readonly string[], lengths: readonly string[]): readonly string[] {
  if (codings.includes('chunked')) return ['transfer-encoding: chunked']
  const [length = '', ...others] = new Set(lengths)
  return /^\d+$/.test(length) && others.length === 0 ? [`content-length: ${length}`] : []
}
