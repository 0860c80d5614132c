/** What PowerShell gets; there is none here that could run it. */
import { describe, expect, it } from 'vitest'
import { typedWords } from '../../src/cli/completion/typed-words.ts'
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
    expect(typedWords('powershell', raw).words).toEqual(words)
  })
})

describe('the functions for PowerShell', () => {
  it('ask evo-token, and hand on where it was told to look', () => {
    const text = powershellFunctions({ socket: String.raw`\\.\pipe\x`, stateDir: undefined })
    expect(text).toContain(String.raw`evo-token get $App --socket '\\.\pipe\x'`)
  })

  it('write a path as one word in which nothing has a meaning', () => {
    const text = powershellFunctions({ socket: "$(evil) ‘x’ '", stateDir: undefined })
    expect(text).toContain(`--socket '$(evil) ‘‘x’’ '''`)
  })

  it('send a token over https only', () => {
    const text = powershellFunctions({ socket: undefined, stateDir: undefined })
    expect(text).toContain(`$Uri.Scheme -ne 'https' -and -not $Uri.IsLoopback`)
  })
})
