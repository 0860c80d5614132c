import { beforeAll, describe, expect, it } from 'vitest'
import { scrub } from '../../src/adapters/log/scrub.ts'
import { Secret } from '../../src/secret.ts'

/** Kept here, because only what is still referenced is live. */
const kept: Secret[] = []
const live = (value: string) => {
  const secret = new Secret(value)
  kept.push(secret)
  return secret
}

/** More than a line has characters: then a line is not compared with each. */
const thousands = Array.from({ length: 5_000 }, (_, at) => `another secret, number ${at}`)

describe.each([
  ['among a few', []],
  ['among thousands', thousands],
])('a live secret %s', (_, others) => {
  beforeAll(() => {
    for (const other of others) live(other)
  })

  it.each([
    ['as it is', (value: string) => value],
    ['in JSON', (value: string) => JSON.stringify({ value })],
    ['in JSON within JSON', (value: string) => JSON.stringify({ body: JSON.stringify({ value }) })],
    ['in a URL', (value: string) => `http://x/?t=${encodeURIComponent(value)}`],
    ['in a form', (value: string) => String(new URLSearchParams({ value }))],
    ['twice', (value: string) => `${value} and ${value}`],
  ])('is replaced by its fingerprint %s', (_, show) => {
    const secret = live('pä "quoted" \\ a+b/c=&d\tand\nmore')
    const line = scrub(`before ${show(secret.expose())} after`)
    expect(line).toContain(secret.toString())
    expect(line).toMatch(/^before .* after$/s)
    expect(line).not.toMatch(/quoted|a\+b|and.*more/s)
  })

  it('is replaced whole where it holds another one', () => {
    const inner = live('inner-secret')
    const outer = live(`outer-${inner.expose()}-outer`)
    const line = scrub(`x ${outer.expose()} y`)
    expect(line).not.toContain('inner-secret')
  })

  it.each(['?!{}', 'äöüß', '%41 %42 %43', 'ab-?-cd', '日本語の秘密'])(
    'is replaced where few of its characters stand for themselves: %s',
    (value) => {
      const secret = live(value)
      const shown = scrub(`before ${JSON.stringify({ value })} ${encodeURIComponent(value)} after`)
      expect(shown).toBe(`before {"value":"${secret.toString()}"} ${secret.toString()} after`)
    },
  )

  it('is left alone where it is too short to be told from words', () => {
    live('abc')
    expect(scrub('abcdef')).toBe('abcdef')
  })

  it('may hold half a character', () => {
    live('half \ud800 character')
    expect(() => scrub('a line')).not.toThrow()
  })
})

describe('what looks like a token', () => {
  const header = Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url')

  it.each([
    ['a JWT', `Bearer ${header}.eyJzdWIiOiIxIn0.c2ln rest`, 'Bearer [redacted] rest'],
    ['a JWE', `"${header}..aXY.Y2lwaGVy.dGFn"`, '"[redacted]"'],
    ['a JWT that was cut', `${header}.eyJzd…`, '[redacted]…'],
    ['the first part of a JWT', header, '[redacted]'],
    ['an access key', `evtk_${'a-B_3'.repeat(8)}!`, '[redacted]!'],
  ])('is redacted: %s', (_, line, scrubbed) => {
    expect(scrub(line)).toBe(scrubbed)
  })

  it.each(['eyJ', 'they eyJack', 'evtk_', 'Keys begin with evtk_.'])('%s is none', (line) => {
    expect(scrub(line)).toBe(line)
  })
})
