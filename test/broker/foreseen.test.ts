/** Sessions whose end is known: when `status` says so, and what that knowledge outlives. */
import { describe, expect, it } from 'vitest'
import { toStored } from '../../src/core/stored-tokens.ts'
import { app, HOUR, MINUTE, NOW, SECOND, tokenSet } from '../support/builders.ts'
import { createWorld, granted, INVALID_GRANT, signedIn } from '../support/broker-world.ts'

const ME = 'evo-me'
const DAY = 24 * HOUR
const aged = app({ refresh: { ...app().refresh, sessionAgeMs: 10 * DAY } })

/** Days of an app whose token is renewed every fifty minutes, as its status tells them. */
async function live(world: Awaited<ReturnType<typeof signedIn>>, ms: number) {
  for (let passed = 0; passed < ms; passed += 50 * MINUTE) {
    world.pass(50 * MINUTE)
    world.answers.push(granted())
    await world.beat()
  }
}

describe('the age that the config names', () => {
  it('counts from the sign-in, through renewals', async () => {
    const world = await signedIn({ app: aged, record: { signedInAt: NOW.wall } })
    expect(world.broker.status(ME)).toMatchObject({
      sessionExpiresAt: NOW.wall + 10 * DAY,
      sessionExpiresSoon: false,
    })
    await live(world, 9.1 * DAY)
    expect(world.broker.status(ME)).toMatchObject({
      session: 'active',
      sessionExpiresAt: NOW.wall + 10 * DAY,
      sessionExpiresSoon: true,
    })
  })

  it('says nothing of a session whose sign-in has no instant on record', async () => {
    const { broker } = await signedIn({ app: aged })
    expect(broker.status(ME)).toMatchObject({ sessionExpiresAt: null, sessionExpiresSoon: false })
  })

  it('is over with the session', async () => {
    const world = await signedIn({ app: aged, record: { signedInAt: NOW.wall } })
    world.pass(HOUR)
    world.answers.push(INVALID_GRANT)
    await world.beat()
    expect(world.broker.status(ME)).toMatchObject({
      session: 'signed-out',
      sessionExpiresAt: null,
    })
    expect(world.records.get(ME)).not.toHaveProperty('signedInAt')
  })
})

describe('the lifetime that the server states', () => {
  it('is written down with the sign-in, and told as a change when it is nearly over', async () => {
    const world = createWorld()
    await world.broker.open()
    await world.broker.signIns.start(ME, { method: 'browser', switchUser: false })
    world.answers.push(granted({ lifetimeMs: 3 * HOUR, refreshTokenLifetimeMs: 2 * HOUR }))
    const url = new URL(`${world.redirects[0]?.redirectUri ?? ''}?code=c&state=state-1`)
    await world.redirects[0]?.onCallback(url)
    expect(world.records.get(ME)).toMatchObject({
      signedInAt: NOW.wall,
      refreshTokenExpiresAt: NOW.wall + 2 * HOUR,
      refreshTokenStatedAt: NOW.wall,
    })
    await world.beat()
    world.changes.length = 0
    world.pass(108 * MINUTE - 1)
    await world.beat()
    expect(world.changes).toEqual([])
    world.pass(1)
    await world.beat()
    expect(world.changes).toEqual([ME])
    expect(world.broker.status(ME)).toMatchObject({ session: 'active', sessionExpiresSoon: true })
  })

  it('is told of a day before, also where it was stated at the sign-in alone', async () => {
    const life = { refreshTokenExpiresAt: NOW.wall + 30 * DAY, refreshTokenStatedAt: NOW.wall }
    const world = await signedIn({ record: life })
    await live(world, 28.9 * DAY)
    expect(world.broker.status(ME).sessionExpiresSoon).toBe(false)
    await live(world, 0.2 * DAY)
    expect(world.broker.status(ME).sessionExpiresSoon).toBe(true)
  })

  it('is not told of while each refresh moves the end, through a restart too', async () => {
    const short = { lifetimeMs: MINUTE, refreshTokenLifetimeMs: 30 * MINUTE }
    const world = await signedIn({ record: { tokens: toStored(tokenSet({ lifetimeMs: MINUTE })) } })
    const told: boolean[] = []
    for (let refreshes = 0; refreshes < 60; refreshes++) {
      world.pass(46 * SECOND)
      world.answers.push(granted(short))
      await world.beat()
      told.push(world.broker.status(ME).sessionExpiresSoon)
      if (refreshes === 30) await world.restart()
    }
    expect(world.requests).toHaveLength(60)
    expect(told).not.toContain(true)
    expect(world.broker.status(ME).sessionExpiresAt).toBeNull()
  })

  it('is told of where the lifetime shrinks, through a restart too', async () => {
    const endsAt = NOW.wall + 5 * HOUR
    const world = await signedIn()
    for (let refreshes = 0; refreshes < 5; refreshes++) {
      world.pass(51 * MINUTE)
      const leftMs = Math.min(3 * HOUR, endsAt - world.clock.now.wall)
      world.answers.push(granted({ refreshTokenLifetimeMs: leftMs }))
      await world.beat()
      if (refreshes === 3) await world.restart()
    }
    expect(world.broker.status(ME).sessionExpiresAt).toBe(endsAt)
    world.pass(35 * MINUTE)
    expect(world.broker.status(ME)).toMatchObject({ session: 'active', sessionExpiresSoon: true })
  })

  it('is not told of before the refresh that may move it', async () => {
    const world = await signedIn({
      record: { refreshTokenExpiresAt: NOW.wall + 55 * MINUTE, refreshTokenStatedAt: NOW.wall },
    })
    world.pass(51 * MINUTE)
    world.answers.push(granted({ refreshTokenLifetimeMs: 10 * HOUR }))
    expect(world.broker.status(ME).sessionExpiresSoon).toBe(false)
    await world.beat()
    expect(world.broker.status(ME)).toMatchObject({
      sessionExpiresAt: null,
      sessionExpiresSoon: false,
    })
  })
})
