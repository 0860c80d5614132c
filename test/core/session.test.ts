import { describe, expect, it } from 'vitest'
import { renewalAt, isRenewalDue, sessionName } from '../../src/core/renewal-due.ts'
import { isRefused, wouldBeRefused, nextSession, type Session } from '../../src/core/session.ts'
import { Secret } from '../../src/secret.ts'
import { app, HOUR, later, MINUTE, NOW, SECOND, serviceApp, tokenSet } from '../support/builders.ts'

const tokens = tokenSet()
const active: Session = { status: 'active', tokens }
const policy = app().refresh
const failure = { code: 'server_error', message: 'out of order' }

describe('renewalDue', () => {
  it.each([
    { at: 'with the token fresh', now: NOW, due: false },
    { at: 'a millisecond before it is stale', now: later(50 * MINUTE - 1), due: false },
    { at: 'the moment it is stale', now: later(50 * MINUTE), due: true },
    {
      at: 'after waking from a night asleep',
      now: { wall: NOW.wall + 8 * HOUR, mono: NOW.mono },
      due: true,
    },
  ])('is $due $at', ({ now, due }) => {
    expect(isRenewalDue(app(), active, now)).toBe(due)
  })

  it('waits for the retry instant, on the monotonic clock', () => {
    const retrying = nextSession(
      active,
      { type: 'unavailable', failure, at: NOW, random: 0 },
      policy,
    )
    expect(isRenewalDue(app(), retrying, later(5 * SECOND - 1))).toBe(false)
    expect(isRenewalDue(app(), retrying, later(5 * SECOND))).toBe(true)
    const setForward = { wall: NOW.wall + HOUR, mono: NOW.mono }
    expect(isRenewalDue(app(), retrying, setForward)).toBe(false)
  })

  it('never asks for an app that is signed out', () => {
    expect(isRenewalDue(app(), { status: 'signed-out' }, NOW)).toBe(false)
  })

  it('never asks without a refresh token', () => {
    const { refreshToken, ...rest } = tokens
    expect(isRenewalDue(app(), { status: 'active', tokens: rest }, later(HOUR))).toBe(false)
  })

  it('asks for the first token of a service app', () => {
    expect(isRenewalDue(serviceApp(), { status: 'active' }, NOW)).toBe(true)
  })
})

describe('the longest rest between renewals', () => {
  const rested = app({ refresh: { ...policy, atLeastMs: 40 * MINUTE } })
  const endless: Session = { status: 'active', tokens: tokenSet({ lifetimeMs: null }) }

  it.each([
    { at: 'before it is over', now: later(40 * MINUTE - 1), due: false },
    { at: 'the moment it is over', now: later(40 * MINUTE), due: true },
    {
      at: 'after a sleep that only the wall clock saw',
      now: { wall: NOW.wall + HOUR, mono: NOW.mono },
      due: true,
    },
    {
      at: 'with the wall clock set back',
      now: { wall: NOW.wall - HOUR, mono: NOW.mono + 40 * MINUTE },
      due: true,
    },
  ])('makes a renewal due ($due) $at, however long the token lives', ({ now, due }) => {
    for (const session of [active, endless]) expect(isRenewalDue(rested, session, now)).toBe(due)
  })

  it('without one, a token that does not end is never renewed', () => {
    expect(isRenewalDue(app(), endless, later(24 * 366 * HOUR))).toBe(false)
    expect(renewalAt(app(), tokenSet({ lifetimeMs: null }), NOW)).toBe(Infinity)
  })

  it('is told as the next renewal where it comes first', () => {
    expect(renewalAt(rested, tokens, NOW)).toBe(NOW.wall + 40 * MINUTE)
    const longer = app({ refresh: { ...policy, atLeastMs: 24 * HOUR } })
    expect(renewalAt(longer, tokens, NOW)).toBe(NOW.wall + 50 * MINUTE)
    expect(renewalAt(longer, tokenSet({ lifetimeMs: null }), NOW)).toBe(NOW.wall + 24 * HOUR)
  })

  it('waits for the retry instant after a renewal that failed', () => {
    const at = later(40 * MINUTE)
    const retrying = nextSession(endless, { type: 'unavailable', failure, at, random: 0 }, policy)
    expect(isRenewalDue(rested, retrying, at)).toBe(false)
  })
})

describe('sessionName', () => {
  it('is signed-out once a token that nothing can renew has expired', () => {
    const { refreshToken, ...rest } = tokens
    const session: Session = { status: 'active', tokens: rest }
    expect(sessionName(app(), session, later(HOUR - 1))).toBe('active')
    expect(sessionName(app(), session, later(HOUR))).toBe('signed-out')
  })
})

describe('next', () => {
  it('keeps the refresh token when the server does not rotate it', () => {
    const { refreshToken, ...fresh } = tokenSet({ accessToken: new Secret('at-2') })
    const session = nextSession(active, { type: 'granted', tokens: fresh }, policy)
    expect(session.tokens).toMatchObject({ accessToken: fresh.accessToken, refreshToken })
  })

  it('keeps nothing of the session before a sign-in', () => {
    const { refreshToken, ...fresh } = tokenSet()
    const session = nextSession(active, { type: 'signed-in', tokens: fresh }, policy)
    expect(session).toEqual({ status: 'active', tokens: fresh })
  })

  it('goes on with the token that it has while the server is unavailable', () => {
    const session = nextSession(
      active,
      { type: 'unavailable', failure, at: NOW, random: 0 },
      policy,
    )
    expect(session).toEqual({
      status: 'retrying',
      tokens,
      error: { ...failure, at: NOW.wall },
      failures: 1,
      retryAt: NOW.mono + 5 * SECOND,
      mayEndEarly: true,
    })
  })

  it.each([
    { random: 0, waits: [5, 5, 5, 5, 5, 5, 5, 5] },
    { random: 1, waits: [10, 20, 40, 80, 160, 300, 300, 300] },
  ])('spreads the attempts over a window that doubles ($random)', ({ random, waits }) => {
    let session: Session = active
    const seen = waits.map(() => {
      session = nextSession(session, { type: 'unavailable', failure, at: NOW, random }, policy)
      return session.status === 'retrying' ? (session.retryAt - NOW.mono) / SECOND : undefined
    })
    expect(seen).toEqual(waits)
  })

  it.each([
    { asks: 60 * SECOND, waits: 60 * SECOND },
    { asks: 0, waits: 5 * SECOND },
    { asks: 24 * HOUR, waits: 15 * MINUTE },
  ])('waits $waits ms where Retry-After asks for $asks', ({ asks, waits }) => {
    const event = { type: 'unavailable', failure, at: NOW, random: 1, retryAfterMs: asks } as const
    expect(nextSession(active, event, policy)).toMatchObject({ retryAt: NOW.mono + waits })
  })

  it('loses the refresh token, and not the access token, when the server rejects it', () => {
    const session = nextSession(active, { type: 'rejected', failure, at: NOW }, policy)
    expect(session.status).toBe('signed-out')
    expect(session.tokens?.accessToken).toBe(tokens.accessToken)
    expect(session.tokens?.refreshToken).toBeUndefined()
  })

  it('keeps everything when the server refuses the app itself', () => {
    const session = nextSession(active, { type: 'misconfigured', failure, at: NOW }, policy)
    expect(session).toMatchObject({ status: 'misconfigured', tokens, retryAt: NOW.mono + 300_000 })
  })

  it('ends all waiting on a wake, and changes nothing else', () => {
    const waiting = nextSession(
      active,
      { type: 'unavailable', failure, at: NOW, random: 1 },
      policy,
    )
    const woken = nextSession(waiting, { type: 'wait-over' }, policy)
    expect(isRenewalDue(app(), woken, NOW)).toBe(true)
    expect(nextSession(active, { type: 'wait-over' }, policy)).toBe(active)
  })

  it('goes on waiting where that began after the wake', () => {
    const waiting = nextSession(
      active,
      { type: 'unavailable', failure, at: NOW, random: 1 },
      policy,
    )
    expect(nextSession(waiting, { type: 'wait-over', before: NOW.wall }, policy)).toBe(waiting)
    const woken = nextSession(waiting, { type: 'wait-over', before: NOW.wall + 1 }, policy)
    expect(isRenewalDue(app(), woken, NOW)).toBe(true)
  })
})

describe('a refusal that is none that we know', () => {
  const refused = (session: Session, refusal = '400 odd') =>
    nextSession(session, { type: 'unavailable', failure, at: NOW, random: 0, refusal }, policy)

  it('is the word of the server at the third time in a row', () => {
    const once = refused(active)
    const twice = refused(once)
    expect([once, twice, refused(twice)].map(isRefused)).toEqual([false, false, true])
    expect([wouldBeRefused(once, '400 odd'), wouldBeRefused(twice, '400 odd')]).toEqual([
      false,
      true,
    ])
  })

  it('counts anew after another one, after no answer and after a grant', () => {
    const twice = refused(refused(active))
    const other = refused(twice, '403 odd')
    const silent = nextSession(twice, { type: 'unavailable', failure, at: NOW, random: 0 }, policy)
    const well = nextSession(twice, { type: 'granted', tokens }, policy)
    expect([refused(other), refused(silent), refused(well)].map(isRefused)).toEqual([
      false,
      false,
      false,
    ])
  })

  it('goes on counting where it was told as a misconfiguration', () => {
    const told = nextSession(
      refused(refused(active)),
      { type: 'misconfigured', failure, refusal: '400 odd', at: NOW },
      policy,
    )
    expect(wouldBeRefused(told, '400 odd')).toBe(true)
    expect(wouldBeRefused(told, '403 odd')).toBe(false)
  })
})

describe('a sign of life of the issuer', () => {
  const waiting = (retryAfterMs?: number) =>
    nextSession(
      active,
      {
        type: 'unavailable',
        failure,
        at: NOW,
        random: 1,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      },
      policy,
    )
  const retryAt = (session: Session) => ('retryAt' in session ? session.retryAt : undefined)

  it('ends the wait for an app that was unavailable, once per step of its back-off', () => {
    const hurried = nextSession(waiting(), { type: 'issuer-answers' }, policy)
    expect(retryAt(hurried)).toBe(-Infinity)
    expect(nextSession(hurried, { type: 'issuer-answers' }, policy)).toBe(hurried)
    const again = nextSession(hurried, { type: 'unavailable', failure, at: NOW, random: 1 }, policy)
    expect(retryAt(nextSession(again, { type: 'issuer-answers' }, policy))).toBe(-Infinity)
  })

  it('ends no wait that the server asked for, and changes nothing of other sessions', () => {
    const asked = waiting(60_000)
    expect(nextSession(asked, { type: 'issuer-answers' }, policy)).toBe(asked)
    expect(nextSession(active, { type: 'issuer-answers' }, policy)).toBe(active)
  })
})
