import { describe, expect, it } from 'vitest'
import { isLoopbackAddress, isLoopbackHost, isOutOfReach } from '../../src/core/loopback.ts'

describe('isLoopbackAddress', () => {
  it.each(['127.0.0.1', '127.255.255.254', '127.9.10.200', '::1'])('holds for %s', (address) => {
    expect(isLoopbackAddress(address)).toBe(true)
  })

  it.each([
    '127.0.0.256',
    '127.0.0.01',
    '127.1',
    '127.0.0.1.example.com',
    '127.example.com',
    'x127.0.0.1',
    '10.0.0.1',
    '0.0.0.0',
    '::',
    '::ffff:127.0.0.1',
    '::11',
    '[::1]',
    'localhost',
    '127.0.0.1\n',
    '',
  ])('does not hold for %j', (address) => {
    expect(isLoopbackAddress(address)).toBe(false)
  })
})

describe('isLoopbackHost', () => {
  it.each(['localhost', '127.0.0.1', '::1', '[::1]'])('holds for %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  })

  it.each(['localhost.example.com', 'notlocalhost', '[::2]', '[localhost]', 'example.com', ''])(
    'does not hold for %j',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false)
    },
  )
})

it.each([
  [0, true],
  [6000, true],
  [6667, true],
  [10080, true],
  [3000, false],
  [8080, false],
  [49152, false],
])('whether browsers can come to no port %i: %s', (port, isOut) => {
  expect(isOutOfReach(port)).toBe(isOut)
})
