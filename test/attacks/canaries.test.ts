/** The search itself, since a search that finds nothing proves nothing. */
import { expect, it } from 'vitest'
import { createCanaries, randomSecret } from './canaries.ts'

const value = randomSecret()
const canaries = createCanaries()
canaries.add('refresh token', value)

it.each([
  ['whole', value],
  ['in JSON', JSON.stringify({ token: value })],
  ['its first 8 characters', value.slice(0, 8)],
  ['8 characters from its middle', `…${value.slice(13, 21)}…`],
  ['its last 8 characters', `see ${value.slice(-8)}.`],
  ['in hex', Buffer.from(value).toString('hex')],
  ['in base64 behind one byte', Buffer.from(`:${value}`).toString('base64')],
  ['in base64 behind two bytes', Buffer.from(`::${value}`).toString('base64url')],
])('finds a canary %s', (_, text) => {
  expect(canaries.foundIn(text)).toEqual([expect.stringMatching(/^refresh token: /)])
})

it.each([
  ['seven characters', value.slice(3, 10)],
  ['another secret', randomSecret()],
  ['nothing', ''],
])('finds no canary in %s', (_, text) => {
  expect(canaries.foundIn(text)).toEqual([])
})

it('lets pass what is named', () => {
  expect(canaries.foundIn(value, ['refresh token'])).toEqual([])
})
