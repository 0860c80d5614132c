/** A server that takes minutes: nothing of a person waits for it, and nothing that is spent is lost. */
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPerson } from '../support/person.ts'
import { until } from '../support/until.ts'
import { leftovers } from './seeded-home.ts'
import {
  AHEAD_MS,
  createStrictWorld,
  LIFETIME_MS,
  observe,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'
const MINUTE_MS = 60_000

let world: StrictWorld
beforeEach(async () => {
  world = await createStrictWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

/** Of a change of the owner that meets a request. */
const OWNER_WAIT_MS = 25_000
/** Of a refresh that is asked for. */
const REFRESH_WAIT_MS = 10_000

/** Signed in, with a refresh that the server has granted, and whose answer does not come. */
async function waiting(ageMs = LIFETIME_MS) {
  const observed = await observe(world, { [ME]: world.native() }, 0.2, { waitsByHand: true })
  await observed.sidecar.signIn(ME, createPerson('ada'))
  const held = world.path.hold('answer')
  world.clock.pass(ageMs)
  await observed.sidecar.beat()
  await held.arrived
  return { ...observed, held }
}

it.each([34_000, 4 * MINUTE_MS])('an answer after %i ms is what is served then', async (ms) => {
  const { sidecar, held } = await waiting()
  await using _sidecar = sidecar
  world.clock.pass(ms)
  held.release()
  await sidecar.settled()
  const { status, body } = await sidecar.token(ME)
  expect(status).toBe(200)
  // The server may have issued it as soon as it was asked.
  expect(body.expires_in).toBeLessThanOrEqual((LIFETIME_MS - ms) / 1_000)
  expect(await sidecar.status(ME)).toMatchObject({ session: 'active', last_error: null })
  expect(world.server.liveFamilies()).toMatchObject([{ generation: 1 }])
})

describe('an owner who meets a request that is out', () => {
  const since = /has been out since \d\d:\d\d:\d\d UTC/

  it.each([
    { wish: 'a logout', method: 'POST', path: `/v1/apps/${ME}/logout`, body: undefined },
    { wish: 'a reload without the app', method: 'POST', path: '/v1/reload', body: undefined },
  ])('is told since when, within 30 seconds: $wish', async ({ method, path, body }) => {
    const { sidecar, held } = await waiting()
    await using _sidecar = sidecar
    await sidecar.home.write(world.config({}))
    const answering = sidecar.own(method, path, body)
    await until('it waits', () => world.clock.pending().includes(OWNER_WAIT_MS))
    world.clock.pass(29_000)
    const answer = await answering
    expect(answer).toMatchObject({ status: 503, body: { error: 'unavailable' } })
    expect(answer.body.detail).toMatch(since)
    expect(answer.body.detail).toMatch(/Nothing was changed/)
    // Nothing was: the answer still counts, and the app is there.
    held.release()
    await sidecar.settled()
    expect(await sidecar.token(ME)).toMatchObject({ status: 200 })
  })

  it('is told within 30 seconds by each of several reloads', async () => {
    const { sidecar, held } = await waiting()
    await using _sidecar = sidecar
    await sidecar.home.write(world.config({}))
    let begun = 0
    sidecar.afterConfig = () => {
      begun += 1
    }
    const answering = [1, 2, 3].map(() => sidecar.own('POST', '/v1/reload'))
    await until(
      'all wait',
      () => begun === answering.length && world.clock.pending().includes(OWNER_WAIT_MS),
    )
    await setImmediate()
    world.clock.pass(25_000)
    for (const answer of await Promise.all(answering)) {
      expect(answer).toMatchObject({ status: 503, body: { error: 'unavailable' } })
      expect(answer.body.detail).toMatch(since)
    }
    held.release()
    await sidecar.settled()
    expect(await sidecar.token(ME)).toMatchObject({ status: 200 })
  })

  it('is answered within 30 seconds by a logout whose revocation hangs, too', async () => {
    const { sidecar, held } = await waiting()
    await using _sidecar = sidecar
    const answering = sidecar.own('POST', `/v1/apps/${ME}/logout`)
    await until('it waits', () => world.clock.pending().includes(OWNER_WAIT_MS))
    world.clock.pass(20_000)
    const revocation = world.path.hold('answer', '/token/revocation')
    held.release()
    await revocation.arrived
    world.clock.pass(9_000)
    expect(await answering).toMatchObject({ status: 200, body: { revoked: false } })
    revocation.release()
    expect(await sidecar.status(ME)).toMatchObject({ session: 'signed-out' })
  })

  it('is told since when by a refresh of their own, whether the token in hand is good or not', async () => {
    for (const aheadMs of [AHEAD_MS * 0.98, 0]) {
      const { sidecar, held } = await waiting(LIFETIME_MS - aheadMs)
      await using _sidecar = sidecar
      const answering = sidecar.own('POST', `/v1/apps/${ME}/refresh`, { now: true })
      await until('it waits', () => world.clock.pending().includes(REFRESH_WAIT_MS))
      world.clock.pass(29_000)
      const answer = await answering
      expect(answer).toMatchObject({ status: 503, body: { error: 'unavailable' } })
      expect(answer.body.detail).toMatch(since)
      held.release()
      await sidecar.settled()
      expect(await sidecar.token(ME)).toMatchObject({ status: 200 })
    }
  })

  it('may reload other settings at once', async () => {
    const { sidecar, held } = await waiting()
    await using _sidecar = sidecar
    const changed = world.native({ refresh: { ahead: '5m' } })
    await sidecar.home.write(world.config({ [ME]: changed }))
    const answer = await sidecar.own('POST', '/v1/reload')
    expect(answer).toMatchObject({ status: 200, body: { changed: [ME] } })
    held.release()
    await sidecar.settled()
    expect(await sidecar.token(ME)).toMatchObject({ status: 200 })
  })
})

it('a daemon that stops leaves what is out marked as unanswered, and ends', async () => {
  const { sidecar, held } = await waiting()
  await using _sidecar = sidecar
  const stopping = sidecar.stop()
  await setImmediate()
  world.clock.pass(34_000)
  await stopping
  expect(leftovers(sidecar.home)).toEqual(['vault/evo-me.jwe.new'])
  held.release()
  await sidecar.start()
  await sidecar.settled()
  await sidecar.round()
  // The server has rotated, and forgives nothing: that is what is said.
  expect(await sidecar.status(ME)).toMatchObject({
    session: 'signed-out',
    last_error: { error: 'answer_lost' },
  })
})
