import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { parseConfigJson } from '../../src/config/json-text.ts'

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl'
const APP = '{"type":"native","clientId":"native-1","scopes":[]}'

/** Every fault as the line that a person reads. */
function faults(text: string): string[] {
  const result = parseConfig(text)
  return result.kind === 'bad'
    ? result.faults.map(({ path, message }) => `${path}: ${message}`)
    : []
}

describe('text that is not JSON', () => {
  it.each([
    ['', 1, 1, 'a value, and the file ends'],
    ['{\n  "a": 1,\n}', 3, 1, 'a key in double quotes, or no comma before this "}"'],
    ['[1,]', 1, 4, 'a value, or no comma before this "]"'],
    ['{"a": 1 "b": 2}', 1, 9, '"," or the bracket that ends this object or list'],
    ['{"a": ]', 1, 7, 'a value'],
    ['{"a" 1}', 1, 6, '":"'],
    ['{1: 2}', 1, 2, 'a key in double quotes'],
    ['{"a": 1}\n}', 2, 1, 'nothing more after the last "}"'],
    ['[1, 2', 1, 6, '"," or "]", and the file ends'],
    ['{"a": {}', 1, 9, '"," or "}", and the file ends'],
    ['[1., 2]', 1, 2, 'more digits of this number'],
    ['{"a": "x\n"}', 1, 7, 'a string that ends on its own line'],
    ['{"a": "x\ty"}', 1, 7, 'a string without tabs and other control characters'],
    ['{"path": "C:\\dir"}', 1, 10, 'each backslash in a string written twice'],
    ['{"path": "C:\\users"}', 1, 10, 'each backslash in a string written twice'],
    ['{ // a comment\n}', 1, 3, 'no comments: JSON has none'],
    ['{} /* a comment', 1, 4, 'no comments: JSON has none'],
    [
      '{\r\n  "a": tru }',
      2,
      8,
      'nothing but numbers, true, false, null, and text in double quotes',
    ],
    ["{'a': 1}", 1, 2, 'nothing but numbers, true, false, null, and text in double quotes'],
    [`${'['.repeat(40)}${']'.repeat(40)}`, 1, 33, 'fewer levels of nesting'],
    ['{"a":'.repeat(200_000), 1, 161, 'fewer levels of nesting'],
  ])('is refused by line and column: %j', (text, line, column, expected) => {
    expect(faults(text)).toEqual([`line ${line}, column ${column}: not JSON: expected ${expected}`])
  })

  it('is never quoted', () => {
    expect(faults(`{"clientSecret": ${JWT}}`).join()).not.toContain(JWT.slice(0, 8))
  })

  it('has keys that stand twice told, which JSON.parse would hide', () => {
    expect(faults(`{"apps":{"a":${APP},"b":${APP},"\\u0061":${APP}}}`)).toEqual([
      'apps.a: is there twice: remove one of them',
    ])
    expect(faults('{"apps":{}, "files":[{"app":"a","app":"a"}]}')[0]).toMatch(
      /^files\[0\]\.app: is there/,
    )
  })

  it('is what JSON.parse says it is, whatever one character becomes', () => {
    const source = '{"a": [1, -2.5e+3, "x\\n\\u00e9é", true], "b": {"c": null, "": {}}}'
    const odd = [
      '',
      '"',
      '\\',
      ',',
      ':',
      '{',
      '}',
      '[',
      ']',
      '0',
      '-',
      '.',
      'e',
      't',
      '\n',
      '\t',
      '\u2028',
    ]
    const texts = Array.from(source, (_, at) => at).flatMap((at) =>
      odd.map((character) => source.slice(0, at) + character + source.slice(at + 1)),
    )
    const disagreed = texts.filter((text) => (parseConfigJson(text).kind === 'ok') !== parses(text))
    expect(disagreed).toEqual([])
    expect(texts.filter(parses).length).toBeGreaterThan(50)
  })
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
