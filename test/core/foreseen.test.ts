import { expect, it } from 'vitest'
import { sessionEnd, stated } from '../../src/core/foreseen.ts'
import { app, HOUR, MINUTE, NOW } from '../support/builders.ts'

const DAY = 24 * HOUR
const { refresh } = app()
const at = (ms: number) => NOW.wall + ms

it('is unknown where neither the server nor the config tells', () => {
  expect(sessionEnd({ signedInAt: NOW.wall }, refresh)).toBeUndefined()
  expect(sessionEnd({}, { ...refresh, sessionAgeMs: DAY })).toBeUndefined()
})

it.each([
  ['90 days', 90 * DAY, DAY],
  ['5 days', 5 * DAY, 12 * HOUR],
  ['2 hours', 2 * HOUR, 12 * MINUTE],
  ['an hour', HOUR, 10 * MINUTE],
  ['a quarter of an hour', 15 * MINUTE, 7.5 * MINUTE],
])('of a session of %s is near in the last tenth, within bounds', (_, lifeMs, aheadMs) => {
  const end = { at: at(lifeMs), soonFrom: at(lifeMs - aheadMs) }
  expect(sessionEnd(stated({}, lifeMs, NOW.wall), refresh)).toEqual(end)
  const policy = { ...refresh, sessionAgeMs: lifeMs }
  expect(sessionEnd({ signedInAt: NOW.wall }, policy)).toEqual(end)
})

it('is the earlier one of the two', () => {
  const policy = { ...refresh, sessionAgeMs: 30 * DAY }
  const life = { signedInAt: NOW.wall, refreshTokenExpiresAt: at(90 * DAY) }
  expect(sessionEnd(life, policy)?.at).toBe(at(30 * DAY))
  const sooner = { signedInAt: NOW.wall, refreshTokenExpiresAt: at(DAY) }
  expect(sessionEnd(sooner, policy)?.at).toBe(at(DAY))
})

it('keeps its distance where the server counts down to the same end at each refresh', () => {
  let life = stated({}, 30 * DAY, NOW.wall)
  for (let day = 1; day < 30; day++) {
    life = stated(life, (30 - day) * DAY - 1_000, at(day * DAY))
  }
  expect(sessionEnd(life, refresh)).toEqual({
    at: at(30 * DAY - 1_000),
    soonFrom: at(29 * DAY - 1_000),
  })
})

it('moves on where each refresh token lives for as long as the one before', () => {
  const life = stated(stated({}, 2 * HOUR, NOW.wall), 2 * HOUR, at(HOUR))
  expect(sessionEnd(life, refresh)).toEqual({
    at: at(3 * HOUR),
    soonFrom: at(3 * HOUR - 12 * MINUTE),
  })
})
