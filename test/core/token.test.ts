import { describe, expect, it } from 'vitest'
import { restore, toStored } from '../../src/core/stored-tokens.ts'
import {
  expiresAt,
  freshness,
  reassume,
  receive,
  remainingMs,
  staleAt,
} from '../../src/core/token.ts'
import { grant, HOUR, later, MINUTE, NOW, SECOND, tokenSet } from '../support/builders.ts'

const tokens = tokenSet()
const policy = { aheadMs: 10 * MINUTE }

describe('freshness', () => {
  it.each([
    { at: 'when it arrived', now: NOW, is: 'fresh' },
    { at: 'a millisecond before it becomes stale', now: later(50 * MINUTE - 1), is: 'fresh' },
    { at: 'the moment it becomes stale', now: later(50 * MINUTE), is: 'stale' },
    { at: 'a millisecond before its end', now: later(HOUR - 1), is: 'stale' },
    { at: 'at its end', now: later(HOUR), is: 'expired' },
    {
      at: 'after a sleep that only the wall clock saw',
      now: { wall: NOW.wall + HOUR, mono: NOW.mono },
      is: 'expired',
    },
    {
      at: 'with the wall clock set back an hour',
      now: { wall: NOW.wall - HOUR, mono: NOW.mono + HOUR },
      is: 'expired',
    },
    {
      at: 'with the wall clock set back, before its end',
      now: { wall: NOW.wall - HOUR, mono: NOW.mono + 51 * MINUTE },
      is: 'stale',
    },
  ])('is $is $at', ({ now, is }) => {
    expect(freshness(tokens, now, policy)).toBe(is)
  })

  it('is none without a token', () => {
    expect(freshness(undefined, NOW, policy)).toBe('none')
  })
})

describe('remainingMs', () => {
  it('counts down to nought and not below', () => {
    expect(remainingMs(tokens, later(HOUR - 5))).toBe(5)
    expect(remainingMs(tokens, later(2 * HOUR))).toBe(0)
  })
})

describe('staleAt', () => {
  it.each([
    { ahead: 10 * MINUTE, draw: 0, after: 50 * MINUTE, what: 'as long before the end as it says' },
    { ahead: HOUR, draw: 0, after: 45 * MINUTE, what: "a quarter of the token's life at most" },
    {
      ahead: 10 * MINUTE,
      draw: 0.5,
      after: 50 * MINUTE + 30 * SECOND,
      what: 'half the jitter later',
    },
    { ahead: 10 * MINUTE, draw: 1, after: 51 * MINUTE, what: 'a tenth of the lead later at most' },
    {
      ahead: MINUTE,
      draw: 0.5,
      after: 59 * MINUTE + 3 * SECOND,
      what: 'with jitter of its own lead',
    },
  ])('with a policy of $ahead and a draw of $draw is $what', ({ ahead, draw, after }) => {
    expect(staleAt(tokenSet({ draw }), NOW, { aheadMs: ahead })).toBe(NOW.wall + after)
  })

  it('is asked of the policy as it is now, not as it was when the token came', () => {
    const received = receive(grant(), NOW, 0)
    const now = later(40 * MINUTE)
    expect(freshness(received, now, policy)).toBe('fresh')
    expect(freshness(received, now, { aheadMs: 15 * MINUTE })).toBe('fresh')
    expect(freshness(received, later(45 * MINUTE), { aheadMs: 15 * MINUTE })).toBe('stale')
    expect(freshness(received, later(55 * MINUTE), { aheadMs: MINUTE })).toBe('fresh')
  })
})

describe('restore', () => {
  it('gives back the age that a token had when the process ended', () => {
    const restored = restore(toStored(tokens), { wall: NOW.wall + 40 * MINUTE, mono: 7 })
    expect(restored.received).toEqual({ wall: NOW.wall, mono: 7 - 40 * MINUTE })
    expect(freshness(restored, { wall: NOW.wall, mono: 7 + 10 * MINUTE }, policy)).toBe('stale')
  })

  it('makes a token from the future stale, and lets it age from now', () => {
    const now = { wall: NOW.wall - HOUR, mono: 7 }
    const restored = restore(toStored(tokens), now)
    expect(freshness(restored, now, policy)).toBe('stale')
    expect(staleAt(restored, now, policy)).toBe(now.wall)
    expect(freshness(restored, { wall: now.wall + HOUR, mono: 7 + HOUR }, policy)).toBe('expired')
  })

  it('knows the age of a token by the other clock where the wall clock was set back meanwhile', () => {
    const boot = 'this-start'
    const received = receive(grant(), { ...NOW, boot }, 0)
    const stored = toStored(received)
    for (const setBackMs of [HOUR / 2, 5 * HOUR]) {
      const now = { wall: NOW.wall + 70 * MINUTE - setBackMs, mono: NOW.mono + 70 * MINUTE, boot }
      expect(freshness(restore(stored, now), now, policy)).toBe('expired')
      const early = { wall: NOW.wall - setBackMs, mono: NOW.mono + MINUTE, boot }
      expect(freshness(restore(stored, early), early, policy)).toBe('fresh')
      // Stored once more it says the same.
      expect(toStored(restore(stored, early)).receivedSinceBoot).toEqual({ boot, ms: NOW.mono })
    }
  })

  it('trusts the wall clock after a sleep and after another start of the machine', () => {
    const stored = toStored(receive(grant(), { ...NOW, boot: 'this-start' }, 0))
    const slept = { wall: NOW.wall + 2 * HOUR, mono: NOW.mono + MINUTE, boot: 'this-start' }
    expect(freshness(restore(stored, slept), slept, policy)).toBe('expired')
    const next = { wall: NOW.wall + MINUTE, mono: NOW.mono + 2 * HOUR, boot: 'the-next' }
    expect(freshness(restore(stored, next), next, policy)).toBe('fresh')
  })

  it('keeps the draw of a token', () => {
    const drawn = tokenSet({ draw: 0.7 })
    expect(toStored(drawn).draw).toBe(0.7)
    expect(restore(toStored(drawn), NOW)).toEqual(drawn)
  })
})

describe('a token without an end', () => {
  const YEARS_LATER = later(30 * 366 * 24 * HOUR)
  const received = receive(grant({ lifetimeMs: null }), NOW, 0.5)

  it('is fresh for ever, and lives as long as anything asks for', () => {
    expect(freshness(received, YEARS_LATER, policy)).toBe('fresh')
    expect(remainingMs(received, YEARS_LATER)).toBe(Infinity)
    expect(expiresAt(received, NOW)).toBeNull()
    expect(staleAt(received, NOW, policy)).toBe(Infinity)
  })

  it('is one after a restart, too, by way of JSON', () => {
    const { accessToken, refreshToken, ...plain } = toStored(received)
    const stored = JSON.parse(JSON.stringify(plain)) as typeof plain
    const restored = restore({ ...stored, accessToken }, YEARS_LATER)
    expect(freshness(restored, YEARS_LATER, policy)).toBe('fresh')
    expect(expiresAt(restored, YEARS_LATER)).toBeNull()
  })
})

describe('reassume', () => {
  const assumed = receive(grant({ lifetimeMs: null, lifetimeAssumed: true }), NOW, 0)

  it('gives a token of which nothing was said the life that the config says now', () => {
    const hour = reassume(assumed, HOUR)
    expect(freshness(hour, later(50 * MINUTE - 1), policy)).toBe('fresh')
    expect(freshness(hour, later(50 * MINUTE), policy)).toBe('stale')
    expect(freshness(hour, later(HOUR), policy)).toBe('expired')
    expect(freshness(reassume(hour, undefined), later(5 * MINUTE), policy)).toBe('expired')
    expect(freshness(reassume(hour, null), later(100 * HOUR), policy)).toBe('fresh')
  })

  it('leaves a token alone whose life the server told, or that has that life already', () => {
    expect(reassume(tokens, null)).toBe(tokens)
    expect(reassume(assumed, null)).toBe(assumed)
  })
})

describe('expiresAt and staleAt', () => {
  it('stand still while the clocks drift apart by milliseconds', () => {
    const now = { wall: NOW.wall + MINUTE, mono: NOW.mono + MINUTE + 900 }
    expect(expiresAt(tokens, now)).toBe(NOW.wall + HOUR)
    expect(staleAt(tokens, now, policy)).toBe(NOW.wall + 50 * MINUTE)
  })

  it('move with a wall clock that was set back', () => {
    const now = { wall: NOW.wall - HOUR, mono: NOW.mono }
    expect(expiresAt(tokens, now)).toBe(NOW.wall)
  })
})
