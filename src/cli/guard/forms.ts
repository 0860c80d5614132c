/**
 * A text and its decoded forms: UTF-16, escapes of URLs, strings, HTML and terminals, base64 at every alignment,
 * and these in one another. Texts have a character for each byte.
 */
import { escapeAt } from './escapes.ts'
import { toCharacterClass, stretchesIn } from './stretches.ts'

/** Enough for a Basic header in a JSON string in base64 in a UTF-16 file. */
const DECODING_DEPTH_MAX = 4

/**
 * How much may be decoded, in multiples of the text's length: crafted base64 decodes to text at each
 * alignment, again and again. What a program encoded is one text at each depth: a long text has room for that.
 */
const MOST_WORK = 8
const MOST_WORK_OF_LONG = 3
const LONG_TEXT_LENGTH = 256 * 1024

/** No secret is shorter. */
const SHORTEST_TEXT = 16

/** The length of `SHORTEST_TEXT` bytes in base64. */
const SHORTEST_BASE64 = 22

/** Yields the text itself, then its decoded forms. */
export function* decodeForms(text: string): Generator<string> {
  const forms = [{ form: text, depth: 0 }]
  let left = text.length * (text.length > LONG_TEXT_LENGTH ? MOST_WORK_OF_LONG : MOST_WORK)
  for (const { form, depth } of forms) {
    yield form
    if (depth === DECODING_DEPTH_MAX) continue
    for (const decoded of decodingsOf(form)) {
      left -= decoded.length
      if (left < 0) break
      forms.push({ form: decoded, depth: depth + 1 })
    }
  }
}

function* decodingsOf(text: string): Generator<string> {
  const bytes = Buffer.from(text, 'latin1')
  const found = [fromUtf16(bytes), withoutEscapes(text, bytes), unwrap(text)]
  for (const decoded of found) if (decoded !== '') yield decoded
  for (const from64 of fromBase64(text)) {
    for (const decoded of [printableIn(from64), fromUtf16(from64)])
      if (decoded !== '') yield decoded
  }
}

/** The characters of a text file, and the escape character of terminals. */
const PRINTABLE_CHARACTERS = toCharacterClass(/[\t\x1b\x20-\x7e]/)

/** Joins lines of base64 whose line breaks were escapes. Empty where there is nothing to join. */
function unwrap(text: string): string {
  const joined = text.includes('\n') ? text.replace(LINE_BREAK_IN_BASE64, '') : text
  return joined.length < text.length ? joined : ''
}

/** A line break between what may be base64. */
const LINE_BREAK_IN_BASE64 = /[\r\n]{1,2}(?<=[A-Za-z0-9+/_-]{20}[\r\n]{1,2})(?=[A-Za-z0-9+/_=-])/g

/** The stretches of printable characters, one per line: random bytes have none. */
function printableIn(bytes: Buffer): string {
  let out: Buffer | undefined
  let [start, end] = [0, 0]
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && PRINTABLE_CHARACTERS[bytes[at] ?? 0] === 1) continue
    if (at - start >= SHORTEST_TEXT) {
      out ??= Buffer.allocUnsafe(bytes.length)
      if (end > 0) out[end++] = NEWLINE
      end += bytes.copy(out, end, start, at)
    }
    start = at + 1
  }
  return out?.toString('latin1', 0, end) ?? ''
}

/** The stretches of ASCII in UTF-16 of either byte order, one per line: each is every other byte. */
function fromUtf16(bytes: Buffer): string {
  if (!hasUtf16(bytes)) return ''
  const out = Buffer.allocUnsafe(bytes.length)
  let end = 0
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at] ?? 0
    const atEnd = at + 1 === bytes.length
    if (PRINTABLE_CHARACTERS[code] === 1 && (atEnd || bytes[at + 1] === 0)) {
      out[end++] = code
      at++
    } else if (end > 0 && out[end - 1] !== NEWLINE) out[end++] = NEWLINE
  }
  return out.toString('latin1', 0, end)
}

/** Whether there are three NULs at every other byte. */
function hasUtf16(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at + 1)) {
    if (bytes[at + 2] === 0 && bytes[at + 4] === 0) return true
  }
  return false
}

const NEWLINE = 0x0a

const BEGINS_ESCAPE = toCharacterClass(/[%&\\\x1b]/)

/** The printable text with escapes of URLs, strings, HTML and terminals decoded; empty where there are none. */
function withoutEscapes(original: string, bytes: Buffer): string {
  if (!/[%&\\\x1b]/.test(original)) return ''
  const text = printableIn(bytes)
  const out = Buffer.allocUnsafe(text.length)
  let end = 0
  let found = false
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at)
    const escape = BEGINS_ESCAPE[code] === 1 ? escapeAt(text, at) : undefined
    found ||= escape !== undefined
    out[end++] = escape?.code ?? code
    at += escape?.length ?? 1
  }
  return found ? out.toString('latin1', 0, end) : ''
}

/** Both alphabets (RFC 4648 §4 and §5). */
const BASE64_CHARACTERS = toCharacterClass(/[A-Za-z0-9+/_-]/)

/** The stretches of base64, decoded at each of the four alignments. */
function* fromBase64(text: string): Generator<Buffer> {
  const stretches = stretchesIn(text, BASE64_CHARACTERS, SHORTEST_BASE64)
  if (stretches.length === 0) return
  const out = Buffer.allocUnsafe(text.length)
  for (const skipped of [0, 1, 2, 3]) {
    let end = 0
    for (const [start, stop] of stretches) {
      end += out.write(text.slice(start + skipped, stop), end, 'base64')
      out[end++] = NEWLINE
    }
    yield out.subarray(0, end)
  }
}
