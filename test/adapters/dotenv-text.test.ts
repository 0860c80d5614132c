import { describe, expect, it } from 'vitest'
import { withoutVariable, withVariable } from '../../src/adapters/token-files/dotenv-text.ts'

describe('withVariable', () => {
  it.each([
    ['', 'T=new\n'],
    ['A=1\n', 'A=1\nT=new\n'],
    ['A=1', 'A=1\nT=new\n'],
    ['T=old\n', 'T=new\n'],
    ['T=old', 'T=new'],
    ['# T=no\nT=old\nB=2\n', '# T=no\nT=new\nB=2\n'],
    ['export T="old"\n', 'export T=new\n'],
    ['  T = old # words\n', '  T =new\n'],
    ['T=one\nA=1\nT=two\n', 'T=new\nA=1\nT=new\n'],
    ['TT=1\nXT=2\nT2=3\n', 'TT=1\nXT=2\nT2=3\nT=new\n'],
    ['A=1\r\nT=old\r\nB=2\r\n', 'A=1\r\nT=new\r\nB=2\r\n'],
    ['A=1\r\n', 'A=1\r\nT=new\r\n'],
    // The byte order mark of UTF-8, of whose bytes each is a character.
    ['\u00ef\u00bb\u00bfT=old\r\n', '\u00ef\u00bb\u00bfT=new\r\n'],
    ['A=$(weird) "\\\'\n\n\n', 'A=$(weird) "\\\'\n\n\nT=new\n'],
  ])('makes of %j: %j', (before, after) => {
    expect(withVariable(before, 'T', 'new')).toBe(after)
  })

  it('is not misled by a value that looks like a pattern', () => {
    expect(withVariable('T=old\n', 'T', '$&$1')).toBe("T='$&$1'\n")
  })

  it('quotes what is more than a word, and refuses what cannot be quoted', () => {
    expect(withVariable('', 'T', 'a b#c"d')).toBe(`T='a b#c"d'\n`)
    expect(() => withVariable('', 'T', "a'b")).toThrow('a .env file cannot hold')
    expect(() => withVariable('', 'T', 'a\nB=1')).toThrow('a .env file cannot hold')
  })
})

describe('withoutVariable', () => {
  it.each([
    ['T=old\n', ''],
    ['A=1\nT=old\nB=2\n', 'A=1\nB=2\n'],
    ['A=1\r\nexport T=old\r\nB=2', 'A=1\r\nB=2'],
    ['TT=1\n# T=1\n', 'TT=1\n# T=1\n'],
  ])('makes of %j: %j', (before, after) => {
    expect(withoutVariable(before, 'T')).toBe(after)
  })
})
