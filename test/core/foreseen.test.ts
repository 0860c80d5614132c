import { expect, it } from 'vitest'
import { sessionEnd } from '../../src/core/foreseen.ts'
import { app, HOUR, MINUTE, NOW } from '../support/builders.ts'

const DAY = 24 * HOUR
const { refresh } = app()
const at = (ms: number) => NOW.wall + ms

it('is unknown where neither the server nor the config tells', () => {
  expect(sessionEnd({ signedInAt: NOW.wall }, refresh, NOW.wall)).toBeUndefined()
  expect(sessionEnd({}, { ...refresh, sessionAgeMs: DAY }, NOW.wall)).toBeUndefined()
})

it.each([
  ['90 days', 90 * DAY, DAY],
  ['5 days', 5 * DAY, 12 * HOUR],
  ['2 hours', 2 * HOUR, 12 * MINUTE],
  ['an hour', HOUR, 10 * MINUTE],
  ['a quarter of an hour', 15 * MINUTE, 7.5 * MINUTE],
])('of a session of %s is near in the last tenth, within bounds', (_, lifeMs, aheadMs) => {
  const end = { at: at(lifeMs), soonFrom: at(lifeMs - aheadMs) }
  expect(sessionEnd({ refreshTokenExpiresAt: at(lifeMs) }, refresh, NOW.wall)).toEqual(end)
  const policy = { ...refresh, sessionAgeMs: lifeMs }
  expect(sessionEnd({ signedInAt: NOW.wall }, policy, at(lifeMs / 2))).toEqual(end)
})

it('is the earlier one of the two', () => {
  const policy = { ...refresh, sessionAgeMs: 30 * DAY }
  const life = { signedInAt: NOW.wall, refreshTokenExpiresAt: at(90 * DAY) }
  expect(sessionEnd(life, policy, NOW.wall)?.at).toBe(at(30 * DAY))
  const sooner = { signedInAt: NOW.wall, refreshTokenExpiresAt: at(DAY) }
  expect(sessionEnd(sooner, policy, NOW.wall)?.at).toBe(at(DAY))
})
