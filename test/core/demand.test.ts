import { describe, expect, it } from 'vitest'
import { brought, demanded, mayDemand, NO_DEMAND } from '../../src/core/demand.ts'

const MAX_MS = 60_000

describe('a demand', () => {
  it('is let through once in ten seconds', () => {
    const after = demanded(NO_DEMAND, 1_000, undefined, MAX_MS)
    expect(mayDemand(NO_DEMAND, 1_000)).toBe(true)
    expect(mayDemand(after, 10_999)).toBe(false)
    expect(mayDemand(after, 11_000)).toBe(true)
  })

  it('waits twice as long each time the very token it brought is rejected, up to the maximum', () => {
    let demand = demanded(NO_DEMAND, 0, 'first', MAX_MS)
    const intervals = ['a', 'b', 'c', 'd'].map((token, round) => {
      demand = demanded(brought(demand, token), round, token, MAX_MS)
      return demand.intervalMs
    })
    expect(intervals).toEqual([20_000, 40_000, 60_000, 60_000])
  })

  it('is back at ten seconds when another token is rejected', () => {
    const slow = demanded(brought(demanded(NO_DEMAND, 0, 'x', MAX_MS), 'a'), 0, 'a', MAX_MS)
    expect(demanded(brought(slow, 'b'), 0, 'c', MAX_MS).intervalMs).toBe(10_000)
  })
})
