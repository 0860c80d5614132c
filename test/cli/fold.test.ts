import { describe, expect, it } from 'vitest'
import { fold } from '../../src/cli/fold.ts'

const on = (columns: number) => ({ isTTY: true, columns })

describe('fold', () => {
  it('breaks a line between words, as wide as the terminal', () => {
    expect(fold('The sign-in is left unfinished; nothing has changed.\n', on(30))).toBe(
      'The sign-in is left\nunfinished; nothing has\nchanged.\n',
    )
  })

  it('keeps in one piece what people copy: an address, and a command in backticks', () => {
    const url = `http://localhost:3000/${'x'.repeat(40)}`
    expect(fold(`Open this link: ${url}\n`, on(30))).toBe(`Open this link:\n${url}\n`)
    expect(fold('To go on, run `evo-token login evo-me`.', on(30))).toBe(
      'To go on, run\n`evo-token login evo-me`.',
    )
  })

  it.each([
    ['problem:       No answer from it.', 'problem:       No answer\n               from it.'],
    ['FAIL  evo-me: dns: it has no address', 'FAIL  evo-me: dns: it has\n      no address'],
    ['      See that it is online, always', '      See that it is\n      online, always'],
  ])('keeps the other lines behind the label: %s', (line, folded) => {
    expect(fold(line, on(26))).toBe(folded)
  })

  it('changes nothing that is short, or goes to no terminal', () => {
    const text = `a  b \n\n  ${'word '.repeat(40)}`
    expect(fold(text, on(300))).toBe(text)
    expect(fold(text, { isTTY: false, columns: 20 })).toBe(text)
  })
})
