/** A database that has lost something, or of which there are two: nothing old is served, spent or brought back. */
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  APP,
  untilConfirmed,
  untilHomeIs,
  untilSilent,
  untilServed,
  refresh,
} from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('each')

const generation = async () => {
  const [row] = await world.postgres.sql('SELECT generation FROM evo_token.app')
  return Number(row?.generation ?? 0)
}

/** What a row is now, and how to bring it back later. */
async function remember(postgres: Postgres): Promise<() => Promise<unknown>> {
  await postgres.sql('CREATE TABLE public.yesterday AS SELECT * FROM evo_token.app')
  return () =>
    postgres.sql(`BEGIN; DELETE FROM evo_token.app;
      INSERT INTO evo_token.app SELECT * FROM public.yesterday; COMMIT; SELECT 1`)
}

describe('a database that is behind', () => {
  itNeeds(missing)('is published to again where it was restored from yesterday', async () => {
    const restore = await remember(world.postgres)
    await refresh(hub)
    const token = await hub.token()
    await untilServed(spare, token)
    const newest = await generation()
    await restore()
    await until('it has the newest record again', generation, (seen) => seen === newest)
    expect(await spare.token()).toBe(token)
    await refresh(hub)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })

  itNeeds(missing)('halts no home that was started since what was restored', async () => {
    const { postgres } = world
    await postgres.sql(`CREATE TABLE public.apps AS SELECT * FROM evo_token.app;
      CREATE TABLE public.keepers AS SELECT * FROM evo_token.keeper; SELECT 1`)
    const instance = async () => {
      const [row] = await postgres.sql(`SELECT instance FROM evo_token.keeper WHERE name = 'hub'`)
      return row?.instance
    }
    await hub.end()
    await hub.start()
    await untilConfirmed(hub)
    const now = await instance()
    await refresh(hub)
    await postgres.sql(`BEGIN; TRUNCATE evo_token.app, evo_token.keeper;
      INSERT INTO evo_token.app SELECT * FROM public.apps;
      INSERT INTO evo_token.keeper SELECT * FROM public.keepers; COMMIT; SELECT 1`)
    await until('its beat is there again', instance, (seen) => seen === now)
    await untilConfirmed(hub)
    await refresh(hub)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })

  itNeeds(missing)('keeps a sign-out one that it has lost', async () => {
    const restore = await remember(world.postgres)
    expect(await hub.cli('logout', APP, '--yes')).toMatchObject({ code: 0 })
    const signedOut = await generation()
    await restore()
    await until('it knows of the sign-out again', generation, (seen) => seen === signedOut)
    await until(
      'the other keeper, too',
      () => spare.token(),
      (said) => said.includes('not signed in'),
    )
  })

  itNeeds(missing)('shows a home that is back its old row, which it does not believe', async () => {
    const restore = await remember(world.postgres)
    await hub.end('SIGKILL')
    await untilSilent(spare, hub)
    expect(await spare.cli('share', 'take-over', 'hub')).toMatchObject({ code: 0 })
    await refresh(spare)
    const token = await spare.token()
    // The take-over is lost with the database's last commits, and it is another process since.
    await world.postgres.stop('fast')
    await world.postgres.start()
    await restore()
    await hub.start({ watchMs: 600_000 })
    await untilHomeIs(hub, spare)
    expect(await hub.token()).toBe(token)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })
})

describe('two databases that take writes', () => {
  itNeeds(missing)('are noticed: no home changes, and doctor names them', async () => {
    await using second = await startPostgres()
    // The role that the keepers have, with the password that they know.
    await second.createRole('evo_keeper', world.keeperPassword)
    const config = JSON.parse(await hub.readConfig()) as { share: { hosts: string[] } }
    config.share.hosts.push(second.host)
    await spare.end()
    await spare.home.write({ ...config, share: { ...config.share, name: 'spare' } })
    await spare.start()
    await until(
      'spare sees both',
      () => spare.share(),
      ({ message }) => message?.includes('More than one database') === true,
    )
    const moved = await spare.cli('share', 'move', APP)
    expect(moved).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('More than one') as string,
    })
    const { stdout } = await spare.cli('doctor')
    expect(stdout).toContain(second.host)
    expect(await spare.token()).toBe(await hub.token())
  })
})
