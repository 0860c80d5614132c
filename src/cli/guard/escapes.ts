/** Escapes of URLs, strings, HTML and terminals. Texts have a character for each byte. */
import { toCharacterClass } from './stretches.ts'

const [NEWLINE, SPACE] = [0x0a, 0x20]

/** The escapes of white space, which no token contains. */
const BLANK_ESCAPES = toCharacterClass(/[abefnrtv0]/)

export interface Escape {
  readonly code: number
  readonly length: number
}

/** The escape that begins at `at`; undefined where there is none. */
export function escapeAt(text: string, at: number): Escape | undefined {
  switch (text.charAt(at)) {
    case '%':
      return hexEscape(text, at, 1, 2)
    case '&':
      return entityAt(text, at)
    case '\x1b':
      // The sequences that colour what a terminal shows (ECMA-48, CSI).
      return { code: SPACE, length: csiLength(text, at) }
    case '\\':
      return stringEscape(text, at)
    default:
      return undefined
  }
}

function stringEscape(text: string, at: number): Escape | undefined {
  // A backslash at the end of the text: charCodeAt is NaN there.
  const next = text.charCodeAt(at + 1)
  switch (text.charAt(at + 1)) {
    case 'x':
      return hexEscape(text, at, 2, 2)
    case 'u':
      return text[at + 2] === '{' ? bracedEscape(text, at) : hexEscape(text, at, 2, 4)
    case 'U':
      return hexEscape(text, at, 2, 8)
    default:
      if (!(next > SPACE)) return undefined
      return (
        octalEscape(text, at) ?? { code: BLANK_ESCAPES[next] === 1 ? NEWLINE : next, length: 2 }
      )
  }
}

const NO_DIGIT = 0xff

const HEX_DIGITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase())
  return value < 0 ? NO_DIGIT : value
})

function hexEscape(text: string, at: number, from: number, digits: number): Escape | undefined {
  let code = 0
  for (let place = at + from; place < at + from + digits; place++) {
    const value = HEX_DIGITS[text.charCodeAt(place)] ?? NO_DIGIT
    if (value === NO_DIGIT) return undefined
    code = code * 16 + value
  }
  return { code: code > 0xff ? SPACE : code, length: from + digits }
}

/** The longest of the escapes without a fixed length. */
const LONGEST_ESCAPE = 12

/** `\u{2d}`, of JavaScript, Rust and PHP. */
function bracedEscape(text: string, at: number): Escape | undefined {
  const [all, digits = ''] =
    /^\\u\{([\da-f]{1,6})\}/i.exec(text.slice(at, at + LONGEST_ESCAPE)) ?? []
  return all === undefined ? undefined : escapeOf(parseInt(digits, 16), all)
}

/** `\055`, of shells and C. */
function octalEscape(text: string, at: number): Escape | undefined {
  if (text[at + 1] !== '0' && text[at + 1] !== '1') return undefined
  const [all, digits = ''] = /^\\([01][0-7]{2})/.exec(text.slice(at, at + 4)) ?? []
  return all === undefined ? undefined : escapeOf(parseInt(digits, 8), all)
}

const BEGINS_ENTITY = toCharacterClass(/[#a-z]/i)

/** What templates write for the characters of a secret: `&#x2F;`, `&amp;`. */
function entityAt(text: string, at: number): Escape | undefined {
  if (BEGINS_ENTITY[text.charCodeAt(at + 1)] !== 1) return undefined
  const found = /^&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/i.exec(
    text.slice(at, at + LONGEST_ESCAPE),
  )
  if (!found) return undefined
  const [all, decimal, hex, name = ''] = found
  const code =
    decimal !== undefined
      ? Number(decimal)
      : hex !== undefined
        ? parseInt(hex, 16)
        : ENTITIES.get(name)
  return code === undefined ? undefined : escapeOf(code, all)
}

/** The entities of HTML for printable ASCII. */
const ENTITIES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    amp: '&',
    apos: "'",
    ast: '*',
    bsol: '\\',
    colon: ':',
    comma: ',',
    commat: '@',
    dollar: '$',
    equals: '=',
    excl: '!',
    grave: '`',
    gt: '>',
    lowbar: '_',
    lpar: '(',
    lt: '<',
    nbsp: ' ',
    num: '#',
    percnt: '%',
    period: '.',
    plus: '+',
    quest: '?',
    quot: '"',
    rpar: ')',
    semi: ';',
    sol: '/',
    vert: '|',
  }).map(([name, character]) => [name, character.charCodeAt(0)]),
)

function escapeOf(code: number, all: string): Escape {
  return { code: code > 0xff ? SPACE : code, length: all.length }
}

function csiLength(text: string, at: number): number {
  if (text[at + 1] !== '[') return 1
  let end = at + 2
  while (end < at + 16 && /[\d;?]/.test(text[end] ?? '')) end++
  return end + 1 - at
}
