import { describe, expect, it } from 'vitest'
import {
  expiresAt,
  freshness,
  reassume,
  receive,
  remainingMs,
  restore,
  staleAt,
  toStored,
} from '../../src/core/token.ts'
import { grant, HOUR, later, MINUTE, NOW, SECOND, tokenSet } from '../support/builders.ts'

const tokens = tokenSet()

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
    expect(freshness(tokens, now)).toBe(is)
  })

  it('is none without a token', () => {
    expect(freshness(undefined, NOW)).toBe('none')
  })
})

describe('remainingMs', () => {
  it('counts down to nought and not below', () => {
    expect(remainingMs(tokens, later(HOUR - 5))).toBe(5)
    expect(remainingMs(tokens, later(2 * HOUR))).toBe(0)
  })
})

describe('receive', () => {
  const policy = { aheadMs: 10 * MINUTE }

  it('makes a token stale as long before its end as the policy says', () => {
    expect(receive(grant(), NOW, policy, 0).refreshAfterMs).toBe(50 * MINUTE)
  })

  it("takes at most a quarter of the token's life", () => {
    expect(receive(grant({ lifetimeMs: 12 * SECOND }), NOW, policy, 0).refreshAfterMs).toBe(9_000)
  })

  it('puts up to a tenth of the lead off, by chance', () => {
    expect(receive(grant(), NOW, policy, 0.5).refreshAfterMs).toBe(50 * MINUTE + 30 * SECOND)
    expect(receive(grant(), NOW, policy, 0.999).refreshAfterMs).toBeLessThan(51 * MINUTE)
  })
})

describe('restore', () => {
  it('gives back the age that a token had when the process ended', () => {
    const restored = restore(toStored(tokens), { wall: NOW.wall + 40 * MINUTE, mono: 7 })
    expect(restored.received).toEqual({ wall: NOW.wall, mono: 7 - 40 * MINUTE })
    expect(freshness(restored, { wall: NOW.wall, mono: 7 + 10 * MINUTE })).toBe('stale')
  })

  it('makes a token from the future stale, and lets it age from now', () => {
    const now = { wall: NOW.wall - HOUR, mono: 7 }
    const restored = restore(toStored(tokens), now)
    expect(freshness(restored, now)).toBe('stale')
    expect(freshness(restored, { wall: now.wall + HOUR, mono: 7 + HOUR })).toBe('expired')
  })
})

describe('a token without an end', () => {
  const YEARS_LATER = later(30 * 366 * 24 * HOUR)
  const received = receive(grant({ lifetimeMs: null }), NOW, { aheadMs: HOUR }, 0.5)

  it('is fresh for ever, and lives as long as anything asks for', () => {
    expect(freshness(received, YEARS_LATER)).toBe('fresh')
    expect(remainingMs(received, YEARS_LATER)).toBe(Infinity)
    expect(expiresAt(received, NOW)).toBeNull()
    expect(staleAt(received, NOW)).toBe(Infinity)
  })

  it('is one after a restart, too, by way of JSON', () => {
    const { accessToken, refreshToken, ...plain } = toStored(received)
    const stored = JSON.parse(JSON.stringify(plain)) as typeof plain
    const restored = restore({ ...stored, accessToken }, YEARS_LATER)
    expect(freshness(restored, YEARS_LATER)).toBe('fresh')
    expect(expiresAt(restored, YEARS_LATER)).toBeNull()
  })
})

describe('reassume', () => {
  const policy = { aheadMs: 10 * MINUTE }
  const assumed = receive(grant({ lifetimeMs: null, lifetimeAssumed: true }), NOW, policy, 0)

  it('gives a token of which nothing was said the life that the config says now', () => {
    const hour = reassume(assumed, HOUR, policy)
    expect(freshness(hour, later(50 * MINUTE - 1))).toBe('fresh')
    expect(freshness(hour, later(50 * MINUTE))).toBe('stale')
    expect(freshness(hour, later(HOUR))).toBe('expired')
    expect(freshness(reassume(hour, undefined, policy), later(5 * MINUTE))).toBe('expired')
    expect(freshness(reassume(hour, null, policy), later(100 * HOUR))).toBe('fresh')
  })

  it('leaves a token alone whose life the server told, or that has that life already', () => {
    expect(reassume(tokens, null, policy)).toBe(tokens)
    expect(reassume(assumed, null, policy)).toBe(assumed)
  })
})

describe('expiresAt and staleAt', () => {
  it('stand still while the clocks drift apart by milliseconds', () => {
    const now = { wall: NOW.wall + MINUTE, mono: NOW.mono + MINUTE + 900 }
    expect(expiresAt(tokens, now)).toBe(NOW.wall + HOUR)
    expect(staleAt(tokens, now)).toBe(NOW.wall + 50 * MINUTE)
  })

  it('move with a wall clock that was set back', () => {
    const now = { wall: NOW.wall - HOUR, mono: NOW.mono }
    expect(expiresAt(tokens, now)).toBe(NOW.wall)
  })
})
