import { expect, it } from 'vitest'
import { createReissueClock } from '../../src/adapters/time/reissue-clock.ts'

const MINUTE = 60_000

it('names the next instant of a cron line, on its grid and in the future', () => {
  const next = createReissueClock('*/5 * * * *')
  const before = Date.now()
  const at = next()
  expect(at).toBeGreaterThan(before)
  expect((at ?? 0) - Date.now()).toBeLessThanOrEqual(5 * MINUTE)
  expect((at ?? 1) % (5 * MINUTE)).toBe(0)
})

it('understands six fields, with seconds', () => {
  const at = createReissueClock('*/2 * * * * *')() ?? 0
  expect(at - Date.now()).toBeLessThanOrEqual(2_000)
})
