/** A primary that dies, the standby that takes its place, and a pooler between: the sessions go on. */
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  APP,
  type HostsWorld,
  refresh,
  startHostsWorld,
  untilHomeIs,
  untilServed,
} from './hosts-world.ts'
import { noPgbouncer, startPgbouncer } from './pgbouncer.ts'

const missing = noPostgres()

let world: HostsWorld

beforeEach(async () => {
  if (missing === undefined) world = await startHostsWorld()
})

afterEach(async () => {
  if (missing === undefined) await world[Symbol.asyncDispose]()
})

describe('a standby', () => {
  itNeeds(missing)(
    'takes the place of a primary that dies, and its return is noticed',
    async () => {
      const [hub, spare] = [await world.keeper('hub'), await world.keeper('spare')]
      expect(await hub.signIn()).toMatchObject({ code: 0 })
      await untilHomeIs(spare, hub)
      await using standby = await world.postgres.createStandby()
      // The primary is not the first of the list.
      const hosts = [standby.host, world.postgres.host]
      await hub.useDatabases(hosts)
      await spare.useDatabases(hosts)

      await world.postgres.stop('immediate')
      await refresh(hub)
      const token = await hub.token()
      await standby.sql('SELECT pg_promote()')
      await untilServed(spare, token)
      expect(world.server.liveFamilies()).toHaveLength(1)

      // The old primary is back, takes writes, and is behind.
      await world.postgres.start()
      for (const host of [hub, spare]) {
        await until(
          `${host.name} sees two primaries`,
          () => host.share(),
          ({ database }) => database?.primaries.length === 2,
        )
      }
      const moved = await spare.cli('share', 'move', APP)
      expect(moved).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('More than one') as string,
      })
      await refresh(hub)
      const newest = await hub.token()
      await untilServed(spare, newest)
      expect(world.server.liveFamilies()).toHaveLength(1)
    },
  )
})

describe('a primary that was made read-only before a switch', () => {
  itNeeds(missing)('gives way to the one that takes writes, and is no second one', async () => {
    const [hub, spare] = [await world.keeper('hub'), await world.keeper('spare')]
    expect(await hub.signIn()).toMatchObject({ code: 0 })
    await untilHomeIs(spare, hub)
    const { postgres } = world
    await using standby = await postgres.createStandby()
    const hosts = [postgres.host, standby.host]
    await hub.useDatabases(hosts)
    await spare.useDatabases(hosts)
    await postgres.sql('ALTER SYSTEM SET default_transaction_read_only = on')
    await postgres.sql('SELECT pg_reload_conf()')
    await standby.sql('SELECT pg_promote()')
    for (const host of [hub, spare]) {
      await until(
        `${host.name} uses the new one`,
        () => host.share(),
        ({ database }) =>
          database?.primaries.length === 1 && database.primaries[0] === standby.host,
      )
    }
    await refresh(hub)
    await untilServed(spare, await hub.token())
    const moved = await spare.cli('share', 'move', APP)
    expect(moved, moved.stderr).toMatchObject({ code: 0 })
    expect(world.server.liveFamilies()).toHaveLength(1)
  })
})

describe('pgbouncer in transaction mode', () => {
  itNeeds(missing ?? noPgbouncer())('carries all of it, by looking alone', async () => {
    const [hub, spare] = [await world.keeper('hub'), await world.keeper('spare')]
    await using bouncer = await startPgbouncer(world.postgres)
    await hub.useDatabases([bouncer.host])
    await spare.useDatabases([bouncer.host])
    expect(await hub.signIn()).toMatchObject({ code: 0 })
    await untilHomeIs(spare, hub)
    expect(await spare.cli('share', 'move', APP)).toMatchObject({ code: 0 })
    await refresh(hub)
    const token = await hub.token()
    await untilServed(spare, token)
    expect(world.server.count('refresh_token')).toBe(1)

    await bouncer.restart()
    await refresh(spare)
    const newest = await spare.token()
    await untilServed(hub, newest)
    expect(world.server.count('refresh_token')).toBe(2)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })
})
