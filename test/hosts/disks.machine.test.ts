/** A home whose disk is not what it was: older, gone, under another name, or there twice. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import {
  APP,
  untilConfirmed,
  untilHomeIs,
  untilServed,
  untilServes,
  untilSilent,
  refresh,
} from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('each', { session: 'seeded' })

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

  itNeeds(missing)(
    'whose record was damaged keeps the sign-in that came since, whatever the row has',
    async () => {
      await refresh(hub)
      await untilServes(spare, hub)
      await hub.end()
      await world.postgres.stop('fast')
      await writeFile(join(hub.home.stateDir, 'vault', `${APP}.jwe`), 'damaged\n')
      await hub.start()
      const signedIn = await hub.signIn()
      expect(signedIn, signedIn.stderr).toMatchObject({ code: 0 })
      const token = await hub.token()
      await world.postgres.start()
      await untilConfirmed(hub)
      await untilHomeIs(spare, hub)
      expect(await hub.token()).toBe(token)
      await untilServed(spare, token)
      await refresh(hub)
      await untilServes(spare, hub)
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

  itNeeds(missing)(
    'that was there twice, and died before it published, keeps the sign-out of the other one',
    async () => {
      const copy = await world.copyOf(hub)
      await hub.end('SIGKILL')
      await hub.start({}, { killAt: 'stored' })
      await untilConfirmed(hub)
      await hub.cli('refresh', APP)
      expect((await hub.daemon().ended).signal).toBe('SIGKILL')
      await copy.start()
      await untilConfirmed(copy)
      await until(
        'the copy signs out',
        () => copy.cli('logout', APP),
        ({ code }) => code === 0,
      )
      await until(
        'the other keeper knows it',
        () => spare.token(),
        (told) => told.includes('not signed in'),
      )
      const before = world.server.requests.length
      await copy.end('SIGKILL')
      await hub.start()
      await untilConfirmed(hub)
      const refused = await hub.cli('refresh', APP)
      expect(refused.stdout + refused.stderr).toContain('not signed in')
      expect(await spare.token()).toContain('not signed in')
      expect(world.server.requests).toHaveLength(before)
    },
  )
})
