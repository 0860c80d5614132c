/**
 * JSON text to a value, with what `JSON.parse` does not tell: where the text goes wrong, as line and
 * column and without quoting any of it, and which keys stand in one object twice. Strict JSON:
 * comments and trailing commas are faults.
 */
import { type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser'

/** The keys that lead to a value. */
export type Path = readonly PropertyKey[]

export type JsonText =
  | {
      readonly kind: 'ok'
      readonly value: unknown
      /** Where a key stands for the second time: `JSON.parse` drops the first one silently. */
      readonly repeated: readonly Path[]
      /** Where `__proto__` is a key: objects made from it would lose it, or worse. */
      readonly unsafe: readonly Path[]
    }
  | {
      readonly kind: 'bad'
      readonly line: number
      readonly column: number
      readonly expected: string
    }

/** Deeper than any setting, and shallow enough for everything that walks the value. */
const JSON_DEPTH_MAX = 32

/** Editors on Windows write a byte order mark, which is no part of the JSON (RFC 8259 §8.1). */
export function withoutByteOrderMark(text: string): string {
  return text.replace(/^\ufeff/, '')
}

export function parseConfigJson(text: string): JsonText {
  const json = withoutByteOrderMark(text)
  const repeated: Path[] = []
  const unsafe: Path[] = []
  /** The keys so far of each object that is open; none for a list. */
  const open: Set<string>[] = []
  const enter = (_offset: number, _length: number, line: number, column: number) => {
    if (open.push(new Set()) > JSON_DEPTH_MAX)
      throw new NotJson(line, column, 'fewer levels of nesting')
  }
  const leave = () => {
    open.pop()
  }
  try {
    visit(
      json,
      {
        onObjectBegin: enter,
        onObjectEnd: leave,
        onArrayBegin: enter,
        onArrayEnd: leave,
        onObjectProperty: (key, _offset, _length, _line, _column, pathOfObject) => {
          const keys = open.at(-1)
          if (keys?.has(key)) repeated.push([...pathOfObject(), key])
          if (key === '__proto__') unsafe.push([...pathOfObject(), key])
          keys?.add(key)
        },
        onError: (code, offset, _length, line, column) => {
          throw new NotJson(line, column, expectedAt(json, offset, code))
        },
      },
      { disallowComments: true },
    )
  } catch (fault) {
    if (!(fault instanceof NotJson)) throw fault
    return { kind: 'bad', line: fault.line + 1, column: fault.column + 1, expected: fault.message }
  }
  return { kind: 'ok', value: JSON.parse(json), repeated, unsafe }
}

/** Thrown to end a visit, which otherwise goes on after faults, and has no limit of depth. */
class NotJson extends Error {
  readonly line: number
  readonly column: number

  constructor(line: number, column: number, expected: string) {
    super(expected)
    this.line = line
    this.column = column
  }
}

function expectedAt(text: string, offset: number, code: ParseErrorCode): string {
  const expected = EXPECTED_SYNTAX[printParseErrorCode(code)]
  const here = text[offset]
  if (here === undefined) return `${expected}, and the file ends`
  const comma = /,\s*$/.test(text.slice(0, offset)) && (here === '}' || here === ']')
  return comma ? `${expected}, or no comma before this "${here}"` : expected
}

const EXPECTED_ESCAPE = 'each backslash in a string written twice'
const NO_COMMENTS = 'no comments: JSON has none'

const EXPECTED_SYNTAX: Readonly<Record<ReturnType<typeof printParseErrorCode>, string>> = {
  ValueExpected: 'a value',
  PropertyNameExpected: 'a key in double quotes',
  ColonExpected: '":"',
  CommaExpected: '"," or the bracket that ends this object or list',
  CloseBraceExpected: '"," or "}"',
  CloseBracketExpected: '"," or "]"',
  EndOfFileExpected: 'nothing more after the last "}"',
  InvalidSymbol: 'nothing but numbers, true, false, null, and text in double quotes',
  InvalidCharacter: 'a string without tabs and other control characters',
  InvalidEscapeCharacter: EXPECTED_ESCAPE,
  InvalidUnicode: EXPECTED_ESCAPE,
  UnexpectedEndOfString: 'a string that ends on its own line',
  InvalidNumberFormat: 'a number',
  UnexpectedEndOfNumber: 'more digits of this number',
  InvalidCommentToken: NO_COMMENTS,
  UnexpectedEndOfComment: NO_COMMENTS,
  '<unknown ParseErrorCode>': 'JSON',
}
