/** A home whose disk is not what it was: older, gone, under another name, or there twice. */
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  APP,
  type Host,
  type HostsWorld,
  startHostsWorld,
  untilConfirmed,
  untilHomeIs,
  untilServes,
  untilSilent,
  refresh,
} from './hosts-world.ts'

const missing = noPostgres()

let world: HostsWorld
let hub: Host
let spare: Host

beforeEach(async () => {
  if (missing !== undefined) return
  world = await startHostsWorld()
  hub = await world.keeper('hub', { seed: 'fresh' })
  spare = await world.keeper('spare')
  await untilHomeIs(spare, hub)
})

afterEach(async () => {
  if (missing === undefined) await world[Symbol.asyncDispose]()
})

function expectNothingSentTwice(): void {
  const generations = world.server.requests.map(({ generation }) => generation)
  expect(new Set(generations).size).toBe(generations.length)
  expect(world.server.liveFamilies()).toHaveLength(1)
}

describe('a home', () => {
  itNeeds(missing)('whose disk was rolled back takes the newer record in first', async () => {
    const { stateDir, directory } = hub.home
    const backup = join(directory, 'backup')
    await cp(stateDir, backup, { recursive: true })
    await refresh(hub)
    await untilServes(spare, hub)
    await hub.end()
    await rm(stateDir, { recursive: true })
    await cp(backup, stateDir, { recursive: true })
    await hub.start()
    await untilConfirmed(hub)
    await refresh(hub)
    await untilServes(spare, hub)
    expectNothingSentTwice()
  })

  itNeeds(missing)(
    'whose state directory is lost is another keeper, and may take over',
    async () => {
      await refresh(hub)
      await untilServes(spare, hub)
      const { stateDir, directory } = hub.home
      await hub.end()
      await cp(join(stateDir, 'vault-key'), join(directory, 'vault-key'))
      await rm(stateDir, { recursive: true })
      await mkdir(stateDir, { mode: 0o700 })
      await cp(join(directory, 'vault-key'), join(stateDir, 'vault-key'))
      await untilSilent(spare, hub)
      await hub.start()
      await untilConfirmed(hub)
      await hub.cli('refresh', APP)
      expect(world.server.count('refresh_token')).toBe(1)
      await until(
        'it takes over from what it was',
        () => hub.cli('share', 'take-over', 'hub'),
        ({ code }) => code === 0,
      )
      await refresh(hub)
      await untilServes(spare, hub)
      expectNothingSentTwice()
    },
  )

  itNeeds(missing)('that has another name is the home still', async () => {
    const config = JSON.parse(await hub.readConfig()) as { share: object }
    await hub.end()
    await hub.home.write({ ...config, share: { ...config.share, name: 'centre' } })
    await hub.start()
    await untilConfirmed(hub)
    await refresh(hub)
    await until(
      'the other keeper knows its name',
      () => spare.share(),
      ({ apps }) => apps?.[0]?.home === 'centre',
    )
    await untilServes(spare, hub)
    expectNothingSentTwice()
  })

  itNeeds(missing)('that is there twice renews in the one that was started last', async () => {
    const copy = await world.copyOf(hub)
    await copy.start()
    await until(
      'the first one notices',
      () => hub.share(),
      ({ confirmed }) => confirmed === false,
    )
    await hub.cli('refresh', APP)
    expect(world.server.count('refresh_token')).toBe(0)
    await untilConfirmed(copy)
    await refresh(copy)
    await untilServes(spare, copy)
    await hub.cli('refresh', APP)
    expectNothingSentTwice()
  })
})
