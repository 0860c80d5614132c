/** What PowerShell gets; there is none here that could run it. */
import { describe, expect, it } from 'vitest'
import { splitTypedWords } from '../../src/cli/completion/typed-words.ts'
import { powershellFunctions } from '../../src/cli/tokens/powershell-functions.ts'

describe('the words that PowerShell completes', () => {
  it.each([
    [
      ['get', '+'],
      ['get', ''],
    ],
    [
      ['get', '+ev'],
      ['get', 'ev'],
    ],
    [
      ['serve', '--config', String.raw`+C:\Users\ada`],
      ['serve', '--config', String.raw`C:\Users\ada`],
    ],
    [
      ['serve', '--config', `'C:\\a b'`, '+'],
      ['serve', '--config', String.raw`C:\a b`, ''],
    ],
    [
      ['get', `+"ev`],
      ['get', 'ev'],
    ],
  ])('%j are %j', (raw, words) => {
    expect(splitTypedWords('powershell', raw).words).toEqual(words)
  })
})

describe('the functions for PowerShell', () => {
  it('ask evo-token, and hand on where it was told to look', () => {
    const text = powershellFunctions({ socket: String.raw`\\.\pipe\x`, stateDir: undefined })
    expect(text).toContain(String.raw`evo-token get $App --socket '\\.\pipe\x'`)
  })

  it('write a path as one word in which nothing has a meaning', () => {
    const text = powershellFunctions({ socket: "$(evil) ‘x’ '", stateDir: undefined })
    expect(text).toContain(`--socket ('' + '$(evil) ' + [char]0x2018 + 'x' + [char]0x2019 + ' ''')`)
  })

  it('write a path in ASCII, whatever code page PowerShell reads', () => {
    const text = powershellFunctions({ socket: 'Müller 😀', stateDir: undefined })
    expect(text).toContain(
      "--socket ('' + 'M' + [char]0x00fc + 'ller ' + [char]0xd83d + [char]0xde00)",
    )
    expect(text).toMatch(/^[\x00-\x7f]*$/)
  })

  it('send a token over https only', () => {
    const text = powershellFunctions({ socket: undefined, stateDir: undefined })
    expect(text).toContain(`$Uri.Scheme -ne 'https' -and -not $Uri.IsLoopback`)
  })
})
