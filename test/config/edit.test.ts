import { describe, expect, it } from 'vitest'
import { putApp } from '../../src/config/edit.ts'

const APP = { type: 'native', clientId: 'native-1', scopes: ['a', 'b'], issuer: undefined }
const AS_WRITTEN = { type: 'native', clientId: 'native-1', scopes: ['a', 'b'] }

function parsed(text: string): Record<string, unknown> {
  return JSON.parse(text.replace(/^\ufeff/, '')) as Record<string, unknown>
}

/** How much of `before` stands in `after` unchanged, around one place. */
function kept(before: string, after: string): number {
  let start = 0
  while (start < before.length && before[start] === after[start]) start += 1
  let end = 0
  while (end < before.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1
  return start + end
}

const INLINE = '{ "b": 1,"c" :[ 1 ] }'

describe('putApp', () => {
  it.each([
    ['after another app', `{\n  "apps": {\n    "old": ${INLINE}\n  }\n}\n`],
    ['after one that ends on its own line', '{\n\t"apps": {\n\t\t"old": {\n\t\t}\n\n\t} }'],
    [
      'after one, before other settings',
      `{"x":0,\n "apps": {\n  "old": ${INLINE}\n },\n\n "y" :1}`,
    ],
    ['with Windows line ends', `{\r\n    "apps": {\r\n        "old": ${INLINE}\r\n    }\r\n}\r\n`],
    ['with a byte order mark', `\ufeff{\n  "apps": {\n    "old": {}\n  }\n}`],
    ['where no app is', '{\n  "log": { "level":"debug" }\n}\n'],
    ['into no apps, with room', '{\n  "apps": {\n  }\n}\n'],
    ['into no apps, without room', '{\n  "apps": {}\n}\n'],
    ['into nothing', '{}'],
    ['into nothing, with room', '{\n\n}\n'],
    ['into one line', `{"apps":{"old":${INLINE}},"y":2}`],
  ])('adds an app %s, and keeps every byte that is there', (_where, before) => {
    const after = putApp(before, 'new', APP)
    const { apps, ...others } = parsed(before)
    expect(parsed(after)).toEqual({ ...others, apps: { ...(apps as object), new: AS_WRITTEN } })
    expect(kept(before, after)).toBe(before.length)
  })

  it('indents as the file does', () => {
    const before = '{\r\n\t"apps": {\r\n\t\t"old": {}\r\n\t}\r\n}\r\n'
    expect(putApp(before, 'new', { type: 'spa', scopes: ['a'] })).toBe(
      '{\r\n\t"apps": {\r\n\t\t"old": {},\r\n\t\t"new": {\r\n\t\t\t"type": "spa",\r\n' +
        '\t\t\t"scopes": [\r\n\t\t\t\t"a"\r\n\t\t\t]\r\n\t\t}\r\n\t}\r\n}\r\n',
    )
    expect(putApp('{\n    "apps": {}\n}\n', 'new', { type: 'spa' })).toBe(
      '{\n    "apps": {\n        "new": {\n            "type": "spa"\n        }\n    }\n}\n',
    )
    expect(putApp('{}', 'new', { type: 'spa' })).toBe(
      '{\n  "apps": {\n    "new": {\n      "type": "spa"\n    }\n  }\n}',
    )
  })

  it('puts an app in the place of another, and keeps what is around it', () => {
    const before = `{\n  "apps": {\n    "a": ${INLINE},\n    "new" :  ${INLINE} ,"z":{}\n  }\n}\n`
    const after = putApp(before, 'new', APP)
    expect(Object.keys(parsed(after).apps as object)).toEqual(['a', 'new', 'z'])
    expect(parsed(after)).toMatchObject({ apps: { new: AS_WRITTEN } })
    expect(kept(before, after)).toBeGreaterThanOrEqual(before.length - INLINE.length)
  })
})
