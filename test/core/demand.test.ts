import { describe, expect, it } from 'vitest'
import {
  recordObtained,
  recordRefresh,
  allowsRefresh,
  INITIAL_LIMIT,
} from '../../src/core/refresh-limit.ts'

const MAX_MS = 60_000

describe('a demand', () => {
  it('is let through once in ten seconds', () => {
    const after = recordRefresh(INITIAL_LIMIT, 1_000, undefined, MAX_MS)
    expect(allowsRefresh(INITIAL_LIMIT, 1_000)).toBe(true)
    expect(allowsRefresh(after, 10_999)).toBe(false)
    expect(allowsRefresh(after, 11_000)).toBe(true)
  })

  it('waits twice as long each time the very token it brought is rejected, up to the maximum', () => {
    let demand = recordRefresh(INITIAL_LIMIT, 0, 'first', MAX_MS)
    const intervals = ['a', 'b', 'c', 'd'].map((token, round) => {
      demand = recordRefresh(recordObtained(demand, token), round, token, MAX_MS)
      return demand.intervalMs
    })
    expect(intervals).toEqual([20_000, 40_000, 60_000, 60_000])
  })

  it('is back at ten seconds when another token is rejected', () => {
    const slow = recordRefresh(
      recordObtained(recordRefresh(INITIAL_LIMIT, 0, 'x', MAX_MS), 'a'),
      0,
      'a',
      MAX_MS,
    )
    expect(recordRefresh(recordObtained(slow, 'b'), 0, 'c', MAX_MS).intervalMs).toBe(10_000)
  })
})
