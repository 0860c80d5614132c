import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTimeLimits } from '../../src/adapters/server/time-limit.ts'
import { later, NOW, SECOND } from '../support/builders.ts'

const LIMIT_MS = 30 * SECOND

const clock = { now: NOW, read: () => clock.now }

beforeEach(() => {
  vi.useFakeTimers()
  clock.now = NOW
})
afterEach(() => {
  vi.useRealTimers()
})

/** Both clocks and the timers go on, as they do in a process that runs. */
function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.now = later(50, clock.now)
    vi.advanceTimersByTime(50)
  }
}

/** The clocks go on and nothing runs; then the timers that are due fire once. */
function holdUp(ms: number): void {
  clock.now = later(ms, clock.now)
  vi.advanceTimersByTime(250)
}

describe('a time limit', () => {
  it('is over, as a time-out, when its time has gone by, and not before', () => {
    const { signal } = createTimeLimits(clock)(LIMIT_MS)
    pass(LIMIT_MS - SECOND)
    expect(signal.aborted).toBe(false)
    pass(2 * SECOND)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
  })

  it('is not over when the process was held up for longer: what came meanwhile is read first', () => {
    const { signal } = createTimeLimits(clock)(LIMIT_MS)
    pass(LIMIT_MS - SECOND)
    holdUp(10 * LIMIT_MS)
    expect(signal.aborted).toBe(false)
    pass(2 * SECOND)
    expect(signal.aborted).toBe(true)
  })

  it('holds nothing up once it has ended', () => {
    const { signal, end } = createTimeLimits(clock)(LIMIT_MS)
    end()
    pass(2 * LIMIT_MS)
    expect(signal.aborted).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })
})
