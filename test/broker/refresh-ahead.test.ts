/** When a token is renewed is asked of the config as it is now, also for a token that came before it changed. */
import { expect, it } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { app, MINUTE, NOW, SECOND, serviceApp } from '../support/builders.ts'
import { createWorld, granted, signedIn } from '../support/broker-world.ts'

const ME = 'evo-me'
const ahead = (aheadMs: number) => app({ refresh: { ...app().refresh, aheadMs } })

it('holds for the token in hand after a reload, which is told of as a change', async () => {
  const world = await signedIn()
  expect(world.broker.status(ME).refreshAt).toBe(NOW.wall + 50 * MINUTE)
  world.changes.length = 0
  await world.broker.reload(world.registrationsOf([ahead(14 * MINUTE)]))
  expect(world.changes).toContain(ME)
  expect(world.broker.status(ME).refreshAt).toBe(NOW.wall + 46 * MINUTE)
  world.pass(46 * MINUTE - 1)
  await world.beat()
  expect(world.requests).toEqual([])
  world.answers.push(granted())
  world.pass(1)
  await world.beat()
  expect(world.requests).toEqual(['refresh rt-1'])
})

it('holds for the token in hand after a reload that makes it later', async () => {
  const world = await signedIn()
  await world.broker.reload(world.registrationsOf([ahead(MINUTE)]))
  world.pass(59 * MINUTE - 1)
  await world.beat()
  expect(world.requests).toEqual([])
  expect(world.broker.status(ME).freshness).toBe('fresh')
})

it('holds for the token in hand after a restart', async () => {
  const world = await signedIn()
  world.apps.splice(0, 1, ahead(5 * MINUTE))
  await world.restart()
  expect(world.broker.status(ME).refreshAt).toBe(NOW.wall + 55 * MINUTE)
})

it('leaves each token its own jitter, from one policy to the next', async () => {
  const world = await signedIn()
  world.random = 0.5
  world.answers.push(granted())
  world.pass(50 * MINUTE)
  await world.beat()
  const received = world.clock.now.wall
  expect(world.records.get(ME)?.tokens?.draw).toBe(0.5)
  expect(world.broker.status(ME).refreshAt).toBe(received + 50 * MINUTE + 30 * SECOND)
  world.apps.splice(0, 1, ahead(5 * MINUTE))
  await world.restart()
  expect(world.broker.status(ME).refreshAt).toBe(received + 55 * MINUTE + 15 * SECOND)
})

it('is joined by `atLeast`, which holds for the token in hand after a reload and after a restart', async () => {
  const refresh = { ...app().refresh, atLeastMs: 20 * MINUTE }
  const world = await signedIn()
  await world.broker.reload(world.registrationsOf([app({ refresh })]))
  expect(world.broker.status(ME).refreshAt).toBe(NOW.wall + 20 * MINUTE)
  await world.broker.reload(world.registrationsOf([app()]))
  expect(world.broker.status(ME).refreshAt).toBe(NOW.wall + 50 * MINUTE)
  world.pass(30 * MINUTE)
  await world.beat()
  expect(world.requests).toEqual([])
  // The token is older than that already.
  world.apps.splice(0, 1, app({ refresh }))
  await world.restart()
  world.answers.push(granted())
  await world.beat()
  expect(world.requests).toEqual(['refresh rt-1'])
})

it('is joined by `reissue`, which holds for the token in hand from a reload on, and is over with one', async () => {
  const cron = serviceApp({ reissue: '*/30 * * * *' })
  const world = createWorld({ apps: [serviceApp()] })
  world.credentials.set(cron.name, new Secret('secret-1'))
  await world.restart()
  const beatAfter = async (ms: number) => {
    world.answers.push(granted())
    world.pass(ms)
    await world.beat()
    world.answers.length = 0
    return world.requests.length
  }
  expect(await beatAfter(0)).toBe(1)
  await world.broker.reload(world.registrationsOf([cron]))
  expect(await beatAfter(30 * MINUTE)).toBe(2)
  await world.broker.reload(world.registrationsOf([serviceApp()]))
  expect(await beatAfter(31 * MINUTE)).toBe(2)
  world.apps.splice(0, 1, cron)
  await world.restart()
  expect(await beatAfter(14 * MINUTE)).toBe(2)
  expect(await beatAfter(15 * MINUTE)).toBe(3)
})
