import { describe, expect, it } from 'vitest'
import { jsonObject, refreshTokenOfPart } from '../../src/adapters/server/json-answer.ts'

describe('the object of an answer', () => {
  it.each([
    ['alone', '{"a":1}'],
    ['in a list', '[{"a":1}]'],
    ['with another line behind it', '{"a":1}\n{"b":2}\n'],
    ['with words behind it', '{"a":1}<!-- 3 ms -->'],
  ])('is found: %s', (_what, text) => {
    expect(jsonObject(text)).toEqual({ a: 1 })
  })

  it('keeps a line break that stands in a string as it is', () => {
    const text = '{\n\t"a": "one\r\ntwo\\"\n\u0000",\n\t"b": "\u0085"\n}\n'
    expect(jsonObject(text)).toEqual({ a: 'one\r\ntwo"\n\u0000', b: '\u0085' })
  })

  it('is none in a long string that does not parse, which is read once', () => {
    expect(jsonObject(`{"a":"\n${'\\"x'.repeat(4 * 1024 * 1024)}",}`)).toBeUndefined()
  })

  it('is none in a page of blanks, which is read once', () => {
    expect(jsonObject(`${' '.repeat(2 * 1024 * 1024)}<html>{}`)).toBeUndefined()
  })

  it.each(['', 'null', '7', '"{}"', '[]', '{"a":', '<html>{"a":1}</html>', 'var a = {"a":1}'])(
    'is none: %s',
    (text) => {
      expect(jsonObject(text)).toBeUndefined()
    },
  )
})

describe('the refresh token of an answer that is not whole', () => {
  it.each([
    ['before the rest', '{"refresh_token":"r2","access_token":"xx'],
    ['after it', '{"access_token":"xx","refresh_token" : "r2", "x'],
    ['with escapes', '{"refresh_token":"r\\u0032","access_token":"x\\"'],
    ['the last of two', '{"refresh_token":"r1","refresh_token":"r2","x'],
    ['after an object that has one, too', '{"u":{"refresh_token":"no"},"refresh_token":"r2",'],
    ['in a list', '[{"refresh_token":"r2","x'],
  ])('is found: %s', (_what, text) => {
    expect(refreshTokenOfPart(text)).toEqual({ refresh_token: 'r2' })
  })

  it.each([
    ['cut short itself', '{"refresh_token":"r2'],
    ['of another object', '{"user":{"refresh_token":"r2"},"x'],
    ['in a string', '{"note":"\\"refresh_token\\":\\"r2\\"","x'],
    ['no string', '{"refresh_token":7,"x'],
    ['in a page', '<script>{"refresh_token":"r2","x'],
  ])('is not: %s', (_what, text) => {
    expect(refreshTokenOfPart(text)).toBeUndefined()
  })
})
