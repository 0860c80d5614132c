/** Sleeps and clocks that are set, met by a path at fault: nothing expired, no needless sign-in, no storm. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPerson } from '../support/person.ts'
import { pathFault } from './path-faults.ts'
import type { Sidecar } from './sidecar.ts'
import {
  AHEAD_MS,
  backOffMs,
  createStrictWorld,
  LIFETIME_MS,
  observe,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'
const JITTER = 0.2
const DUE_MS = LIFETIME_MS - AHEAD_MS * (1 - JITTER / 10)
const HOUR_MS = 3_600_000
const NIGHT_MS = 8 * HOUR_MS

let world: StrictWorld

beforeEach(async () => {
  world = await createStrictWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

async function signedIn() {
  const observed = await observe(world, { [ME]: world.native() }, JITTER)
  await observed.sidecar.signIn(ME, createPerson('ada'))
  const { body } = await observed.sidecar.token(ME)
  return { ...observed, first: body.access_token as string, sentBefore: observed.sends() }
}

async function expectUnavailable(sidecar: Sidecar): Promise<void> {
  expect(await sidecar.token(ME)).toMatchObject({ status: 503, body: { error: 'unavailable' } })
  expect(await sidecar.readyz(ME)).toEqual({ status: 503, reason: 'unavailable' })
  expect(await sidecar.exitCode('get', ME)).toBe(5)
}

async function expectNewToken(sidecar: Sidecar, old: string): Promise<string> {
  const { status, body } = await sidecar.token(ME)
  expect({ status, renewed: body.access_token !== old }).toEqual({ status: 200, renewed: true })
  expect(await sidecar.status(ME)).toMatchObject({ session: 'active', freshness: 'fresh' })
  return body.access_token as string
}

describe('a wake', () => {
  it('without a network gives nothing expired and asks no person to sign in; the network ends the wait', async () => {
    const { sidecar, first } = await signedIn()
    await using _sidecar = sidecar
    await world.path.meet(pathFault('the connection is refused'))
    world.clock.sleep(NIGHT_MS)
    // The first request after the wake, before any heartbeat may have noticed it.
    await expectUnavailable(sidecar)
    await sidecar.round()
    await expectUnavailable(sidecar)
    for (const failures of [1, 2, 3, 4, 5, 6]) {
      world.clock.pass(backOffMs(failures, JITTER))
      await sidecar.round()
    }
    await expectUnavailable(sidecar)
    expect(await sidecar.status(ME)).toMatchObject({ session: 'retrying' })

    await world.path.clear()
    await sidecar.round()
    await expectUnavailable(sidecar)
    sidecar.network = 'wifi'
    await sidecar.round()
    await expectNewToken(sidecar, first)
  })

  it.each([
    { name: '429 with Retry-After in seconds', waits: 'what the server asked for' },
    { name: '503 with a page', waits: 'a back-off' },
    { name: 'invalid_client with WWW-Authenticate', waits: 'a person to correct the app' },
  ])('is the end of waiting for $waits', async ({ name }) => {
    const { sidecar, first, sends, sentBefore } = await signedIn()
    await using _sidecar = sidecar
    await world.path.meetOnce(pathFault(name))
    world.clock.pass(DUE_MS)
    await sidecar.round()
    await sidecar.round()
    expect(sends()).toBe(sentBefore + 1)
    world.clock.sleep(NIGHT_MS)
    await sidecar.round()
    expect(sends()).toBe(sentBefore + 2)
    await expectNewToken(sidecar, first)
  })

  it('into an answer that came while the machine slept does not take its token for a new one', async () => {
    const { sidecar, first, sends, sentBefore } = await signedIn()
    await using _sidecar = sidecar
    const held = world.path.hold('answer')
    world.clock.pass(DUE_MS)
    await sidecar.beat()
    await held.arrived
    world.clock.sleep(NIGHT_MS)
    held.release()
    await sidecar.settled()
    const stale = await sidecar.token(ME)
    // Either there is nothing yet, or it is a token that was asked for after the wake.
    if (stale.status === 200) expect(sends()).toBe(sentBefore + 2)
    await sidecar.round()
    await sidecar.round()
    expect(sends()).toBe(sentBefore + 2)
    await expectNewToken(sidecar, first)
    expect(world.server.liveFamilies()).toMatchObject([{ generation: 2 }])
  })
})

describe('a wall clock', () => {
  it('that is set back an hour causes no storm, and serves nothing past its end', async () => {
    const { sidecar, first, sends, sentBefore } = await signedIn()
    await using _sidecar = sidecar
    await world.path.meet(pathFault('503 with a page'))
    world.clock.set(-HOUR_MS)
    for (let beat = 0; beat < 20; beat++) await sidecar.beat()
    await sidecar.settled()
    expect(sends()).toBe(sentBefore)
    world.clock.pass(DUE_MS)
    await sidecar.round()
    expect(sends()).toBe(sentBefore + 1)

    // In the middle of a back-off, too.
    world.clock.set(-HOUR_MS)
    for (let beat = 0; beat < 20; beat++) await sidecar.beat()
    await sidecar.settled()
    expect(sends()).toBe(sentBefore + 1)
    world.clock.pass(backOffMs(1, JITTER))
    await sidecar.round()
    expect(sends()).toBe(sentBefore + 2)
    expect(await sidecar.token(ME)).toMatchObject({ status: 200, body: { access_token: first } })

    world.clock.pass(LIFETIME_MS - DUE_MS)
    await sidecar.round()
    await expectUnavailable(sidecar)
    await world.path.clear()
    world.clock.pass(backOffMs(3, JITTER))
    await sidecar.round()
    await expectNewToken(sidecar, first)
    expect(sends()).toBe(sentBefore + 4)
  })

  it('that is set forward makes no expired token fresh, and no good session a lost one', async () => {
    const { sidecar, first, sends, sentBefore } = await signedIn()
    await using _sidecar = sidecar
    await world.path.meet(pathFault('503 with a page'))
    world.clock.set(LIFETIME_MS)
    await expectUnavailable(sidecar)
    await sidecar.round()
    for (let beat = 0; beat < 20; beat++) await sidecar.beat()
    await sidecar.settled()
    expect(sends()).toBe(sentBefore + 1)
    await world.path.clear()
    world.clock.pass(backOffMs(1, JITTER))
    await sidecar.round()
    await expectNewToken(sidecar, first)
  })
})
