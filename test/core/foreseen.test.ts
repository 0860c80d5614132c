import { describe, expect, it } from 'vitest'
import { sessionEnd, type SessionLife, updateLife } from '../../src/core/session-end.ts'
import { app, HOUR, MINUTE, NOW, SECOND } from '../support/builders.ts'

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
  expect(sessionEnd(updateLife({}, lifeMs, NOW.wall), refresh)).toEqual(end)
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

it('is the age that the config names, whatever the server moves', () => {
  const policy = { ...refresh, sessionAgeMs: 30 * DAY }
  const life = lived({ everyMs: 50 * MINUTE, forMs: DAY, states: () => 2 * HOUR }).at(-1)?.life
  expect(sessionEnd({ ...life, signedInAt: NOW.wall }, policy, at(DAY))?.at).toBe(at(30 * DAY))
})

interface Lived {
  readonly everyMs: number
  readonly forMs: number
  /** The lifetime of the refresh token that the server states at this age of the session. */
  readonly states: (ageMs: number) => number | undefined
  /** How long the answer to the n-th refresh takes. */
  readonly lateMs?: (nth: number) => number
  /** How far our wall clock is off at this age. */
  readonly skewMs?: (ageMs: number) => number
}

/** What is known after each refresh of a session that is refreshed at even distances. */
function lived({ everyMs, forMs, states, lateMs = () => 0, skewMs = () => 0 }: Lived) {
  let life: SessionLife = { signedInAt: NOW.wall }
  const seen: { ageMs: number; now: number; life: SessionLife; soon: boolean }[] = []
  for (let nth = 0; nth * everyMs <= forMs; nth++) {
    const ageMs = nth * everyMs
    const statedMs = states(ageMs)
    // Whole seconds, as servers state them.
    const roundedMs = statedMs === undefined ? undefined : Math.floor(statedMs / SECOND) * SECOND
    const now = at(ageMs + lateMs(nth) + skewMs(ageMs))
    life = updateLife(life, roundedMs, now)
    const end = sessionEnd(life, refresh, now + everyMs)
    // The last moment before the next refresh is when it would be told of.
    seen.push({ ageMs, now, life, soon: end !== undefined && now + everyMs - 1 >= end.soonFrom })
  }
  return seen
}

const never = { soonAtMs: undefined }

describe.each([
  ['2 s', 2 * SECOND],
  ['10 s', 10 * SECOND],
  ['45 s', 45 * SECOND],
  ['4 min', 4 * MINUTE],
  ['25 min', 25 * MINUTE],
])('with a refresh every %s', (_, everyMs) => {
  const run = (rest: Omit<Lived, 'everyMs' | 'forMs'>, forMs = 10 * HOUR) => {
    const seen = lived({ everyMs, forMs, ...rest })
    return { seen, soonAtMs: seen.find(({ soon }) => soon)?.ageMs }
  }

  it('no end is told of that each refresh moves', () => {
    expect(run({ states: () => 30 * MINUTE })).toMatchObject(never)
  })

  it('no end is told of that moves, also where fractions of a second make the lifetime differ', () => {
    expect(run({ states: (age) => 30 * MINUTE + ((age / 7) % 900) - 450 })).toMatchObject(never)
  })

  it('no end is told of that moves, although answers take their time', () => {
    const late = (nth: number) => [0, 20 * SECOND, 3 * SECOND][nth % 3] ?? 0
    expect(run({ states: () => 30 * MINUTE, lateMs: late })).toMatchObject(never)
  })

  it('no end is told of that moves, where an answer now and then says nothing of it', () => {
    const states = (age: number) => ((age / everyMs) % 3 === 2 ? undefined : HOUR)
    // Two statements that far apart have shown that it moves.
    const later = run({ states }).seen.filter(({ ageMs }) => ageMs > HOUR)
    const named = later.filter(({ now, life }) => sessionEnd(life, refresh, now + everyMs))
    expect(named).toEqual([])
  })

  it('no end is told of where the lifetimes differ by more than a countdown would make them', () => {
    const states = (age: number) => ((age / everyMs) % 2 === 1 ? 90 * MINUTE : 30 * MINUTE)
    expect(run({ states })).toMatchObject(never)
  })

  it('an end that stays is told of, where an answer now and then says nothing of it', () => {
    const states = (age: number) => ((age / everyMs) % 3 === 2 ? undefined : 8 * HOUR - age)
    const { seen } = run({ states }, 8 * HOUR - 1)
    const last = seen.filter(({ ageMs }) => ageMs > 7.5 * HOUR)
    expect(last.every(({ soon }) => soon)).toBe(true)
  })

  it('an end that stays is told of as near in the last tenth', () => {
    const { soonAtMs = 0, seen } = run({ states: (age) => 8 * HOUR - age }, 8 * HOUR - 1)
    const soonFrom = 8 * HOUR - 48 * MINUTE
    expect(soonAtMs).toBeGreaterThan(soonFrom - everyMs - 2 * SECOND)
    expect(soonAtMs).toBeLessThanOrEqual(soonFrom)
    expect(seen.filter(({ ageMs }) => ageMs >= soonFrom).every(({ soon }) => soon)).toBe(true)
    const named = sessionEnd(seen.at(-1)?.life ?? {}, refresh)?.at ?? 0
    expect(Math.abs(named - at(8 * HOUR))).toBeLessThanOrEqual(SECOND)
  })

  it('an end that stays is told of although answers take their time', () => {
    const lateMs = (nth: number) => [0, 20 * SECOND, 3 * SECOND][nth % 3] ?? 0
    const { seen } = run({ states: (age) => 8 * HOUR - age, lateMs }, 8 * HOUR - 1)
    const last = seen.filter(({ ageMs }) => ageMs > 7.5 * HOUR)
    expect(last.every(({ soon }) => soon)).toBe(true)
  })

  it('an end that moves up to one that stays is told of when that is near', () => {
    const states = (age: number) => Math.min(30 * MINUTE, 8 * HOUR - age)
    const { soonAtMs = 0, seen } = run({ states }, 8 * HOUR - 1)
    // Nothing says so before the lifetime begins to shrink.
    expect(soonAtMs).toBeGreaterThanOrEqual(7.5 * HOUR - everyMs)
    const lastRefreshMs = Math.floor((8 * HOUR - 1) / everyMs) * everyMs
    expect(soonAtMs).toBeLessThanOrEqual(Math.max(8 * HOUR - 10 * MINUTE, lastRefreshMs))
    expect(seen.at(-1)?.soon).toBe(true)
    expect(sessionEnd(seen.at(-1)?.life ?? {}, refresh)?.at).toBe(at(8 * HOUR))
  })

  it('an end that stops to stay is not told of any more', () => {
    const states = (age: number) => (age < 4 * HOUR ? 4 * HOUR + 10 * MINUTE - age : 30 * MINUTE)
    const { seen } = run({ states })
    const later = seen.filter(({ ageMs }) => ageMs > 4 * HOUR + 2 * MINUTE + 2 * everyMs)
    expect(later.every(({ soon }) => !soon)).toBe(true)
  })

  it('a clock that is set makes no end that moves one to tell of', () => {
    const steps = [HOUR, -HOUR, 3 * DAY]
    for (const step of steps) {
      const skewMs = (age: number) => (age > 5 * HOUR ? step : 0)
      const { seen } = run({ states: () => 30 * MINUTE, skewMs })
      expect({ step, told: seen.some(({ soon }) => soon) }).toEqual({ step, told: false })
    }
  })

  it('an end that stops to stay while the clock is set back is not told of any more', () => {
    const states = (age: number) => Math.max(30 * MINUTE, 10.5 * HOUR - age)
    const skewMs = (age: number) => (age > 10 * HOUR ? -HOUR : 0)
    const { seen } = run({ states, skewMs }, 12 * HOUR)
    const later = seen.filter(({ ageMs }) => ageMs > 10 * HOUR + 2 * MINUTE + 2 * everyMs)
    expect(later.every(({ soon }) => !soon)).toBe(true)
  })

  it('a clock that is set does not hide an end that stays', () => {
    for (const step of [HOUR, -HOUR, 3 * DAY]) {
      const skewMs = (age: number) => (age > 5 * HOUR ? step : 0)
      const { seen } = run({ states: (age) => 8 * HOUR - age, skewMs }, 8 * HOUR - 1)
      const last = sessionEnd(seen.at(-1)?.life ?? {}, refresh, seen.at(-1)?.now)
      expect(Math.abs((last?.at ?? 0) - at(8 * HOUR + step))).toBeLessThanOrEqual(SECOND)
    }
  })
})

it('keeps its distance where the server counts down to the same end at each refresh', () => {
  let life = updateLife({}, 30 * DAY, NOW.wall)
  for (let day = 1; day < 30; day++) {
    life = updateLife(life, (30 - day) * DAY - 1_000, at(day * DAY))
  }
  expect(sessionEnd(life, refresh, Infinity)).toEqual({
    at: at(30 * DAY - 1_000),
    soonFrom: at(29 * DAY - 1_000),
  })
  expect(sessionEnd(life, refresh, NOW.wall)).toEqual(sessionEnd(life, refresh))
})

describe('one statement alone', () => {
  const life = updateLife({}, 2 * HOUR, NOW.wall)

  it.each([
    ['counts where no refresh comes before the end', at(2 * HOUR), at(2 * HOUR)],
    ['does not count where one does, which may move it', at(HOUR), undefined],
  ])('%s', (_, nextRefreshAt, end) => {
    expect(sessionEnd(life, refresh, nextRefreshAt)?.at).toBe(end)
  })

  it('counts once a refresh says nothing of the end', () => {
    const refreshed = updateLife(life, undefined, at(HOUR))
    expect(sessionEnd(refreshed, refresh, at(HOUR))?.at).toBe(at(2 * HOUR))
  })

  it('is worth nothing once the session has outlived the end', () => {
    expect(updateLife(life, undefined, at(2 * HOUR))).toEqual({})
  })

  it('does not count when the next one gives the same lifetime', () => {
    const restated = updateLife(life, 2 * HOUR, at(HOUR))
    expect(sessionEnd(restated, refresh, at(2 * HOUR))).toBeUndefined()
    expect(sessionEnd(restated, refresh, at(3 * HOUR))?.at).toBe(at(3 * HOUR))
  })

  it('keeps when the person signed in', () => {
    const signedIn = { ...life, signedInAt: NOW.wall }
    expect(updateLife(signedIn, 2 * HOUR, at(HOUR)).signedInAt).toBe(NOW.wall)
    expect(updateLife(signedIn, undefined, at(3 * HOUR))).toEqual({ signedInAt: NOW.wall })
  })
})

it('that stayed does not count any more once the lifetime grows, however soon that is', () => {
  const stays = updateLife(updateLife({}, 2 * HOUR, NOW.wall), HOUR, at(HOUR))
  expect(sessionEnd(stays, refresh, at(HOUR))?.at).toBe(at(2 * HOUR))
  const grown = updateLife(stays, 9 * HOUR, at(HOUR + 10 * SECOND))
  expect(sessionEnd(grown, refresh, at(2 * HOUR))).toBeUndefined()
})

describe('a record of format 1, which has an end and nothing to compare with', () => {
  // As a server left it whose end moved by 45 s at each refresh for ten hours.
  const life = { refreshTokenExpiresAt: at(30 * MINUTE), refreshTokenStatedAt: at(-10 * HOUR) }

  it('is not told of as near for that', () => {
    expect(sessionEnd(life, refresh, at(45 * SECOND))).toBeUndefined()
    const once = updateLife(life, 30 * MINUTE, at(45 * SECOND))
    expect(sessionEnd(once, refresh, at(90 * SECOND))).toBeUndefined()
    const twice = updateLife(once, 30 * MINUTE, at(2 * MINUTE))
    expect(sessionEnd(twice, refresh, at(3 * MINUTE))).toBeUndefined()
  })

  it('has its end told of as it was named first, once the lifetime shrinks', () => {
    const once = updateLife(life, 29 * MINUTE, at(MINUTE))
    const twice = updateLife(once, 27 * MINUTE, at(3 * MINUTE))
    expect(sessionEnd(twice, refresh, at(4 * MINUTE))).toEqual({
      at: at(30 * MINUTE),
      soonFrom: at(30 * MINUTE - 63 * MINUTE),
    })
  })
})
