import { describe, expect, it } from 'vitest'
import { isCron } from '../../src/config/values.ts'

describe('isCron', () => {
  it.each(['*/30 * * * *', '0 0 29 2 *', '10-50/20 007 * JAN-MAR 1-7', '30 */5 * * * *'])(
    'takes %s',
    (expression) => {
      expect(isCron(expression)).toBe(true)
    },
  )

  // The library throws where it is asked for the next instant: in a daemon, long after the config was read.
  it.each(['0 0 31 1 1#1', '0 0 1W 1 6', '0 0 1-7 * 1#5', '59 23 L-30 2 *', '0 2 29 3 7#1'])(
    'refuses %s, which no day is',
    (expression) => {
      expect(isCron(expression)).toBe(false)
    },
  )

  it.each(['0 0 29 2 1#5', '0 0 29 2 6L', '5-1 * * * *', '* * L * *'])(
    'takes %s, which comes seldom',
    (expression) => {
      expect(isCron(expression)).toBe(true)
    },
  )

  // A library that expands these runs out of memory: the process ends, whatever catches errors.
  it.each([
    ['a range up to a thousand million', '0-999999999 * * * *'],
    ['a range in a list', '1,2-999999999,3 * * * *'],
    ['a range with a step', '0-999999999/7 * * * *'],
    ['a range in the last field', '* * * * 0-999999999'],
    ['a range with leading zeros', '0-000999999999 * * * *'],
    ['a range between huge numbers', '999999000-999999999 * * * *'],
    ['more text than six fields need', `${'1,'.repeat(500_000)}1 * * * *`],
  ])('refuses %s before it is expanded', (_what, expression) => {
    expect(isCron(expression)).toBe(false)
  })
})
