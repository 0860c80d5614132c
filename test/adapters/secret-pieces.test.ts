import { afterAll, describe, expect, it } from 'vitest'
import { removePieces } from '../../src/adapters/log/secret-pieces.ts'
import { Secret } from '../../src/secret.ts'

const SECRET = 'Zq7-Rk2_Wm9xT4vLb8NcYh3JdG6sFpAe'

/** Only what is still referenced is live: for that it has to be used after the tests, too. */
const kept = [new Secret(SECRET), new Secret('äöü-ßæøå-éèê-ñ')]

afterAll(() => {
  expect(kept).toHaveLength(2)
})

const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a piece of a secret', () => {
  it.each([
    ['whole', `x ${SECRET} y`, 'x [secret] y'],
    ['its beginning', `x ${SECRET.slice(0, 9)}… y`, 'x [secret]… y'],
    ['its end', `x …${SECRET.slice(-8)} y`, 'x …[secret] y'],
    ['two halves', `${SECRET.slice(0, 16)} ${SECRET.slice(16)}`, '[secret] [secret]'],
    ['two pieces that overlap', `${SECRET.slice(3, 13)}${SECRET.slice(7, 19)}`, '[secret]'],
    ['other letters than ASCII', 'ab äöü-ßæøå cd', 'ab [secret] cd'],
    [
      'percent-encoded',
      `x %${Buffer.from(SECRET).toString('hex').match(/../g)?.join('%')} y`,
      'x [secret] y',
    ],
    ['in base64', `Basic ${base64(`client:${SECRET}`)} is wrong`, 'Basic [secret] is wrong'],
    ['in base64 that was cut', `got ${base64(`client:${SECRET}`).slice(6, 40)}`, 'got [secret]'],
  ])('is hidden: %s', (_, text, shown) => {
    expect(removePieces(text)).toBe(shown)
  })

  it.each(Array.from(SECRET.slice(8), (_, index) => index))(
    'is found from character %i',
    (from) => {
      expect(removePieces(`"${SECRET.slice(from, from + 8)}"`)).toBe('"[secret]"')
    },
  )

  it.each(['', 'short', `seven: ${SECRET.slice(0, 7)}!`, 'The refresh token has expired. 😀'])(
    'is nothing in "%s"',
    (text) => {
      expect(removePieces(text)).toBe(text)
    },
  )
})
