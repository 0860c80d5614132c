/** A database that answers, and refuses: writes, connections, or an old password. Homes go on, and it is told once. */
import { writeFile } from 'node:fs/promises'
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { type Host, refresh, untilConfirmed, untilServes } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('each')

const warnings = (host: Host) => host.daemon().log.filter(({ level }) => level === 'warn')
const databaseError = async (host: Host) => {
  const { database } = (await host.share()) as { readonly database?: { error?: string | null } }
  return database?.error ?? null
}

/** Each change of a row is answered with this error. */
const refuseWrites = (code: string, message: string) =>
  world.postgres.sql(`CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION USING ERRCODE = '${code}', MESSAGE = '${message}'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON evo_token.app
      FOR EACH ROW EXECUTE FUNCTION public.refuse();
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON evo_token.keeper
      FOR EACH ROW EXECUTE FUNCTION public.refuse();
    SELECT 1`)
const takeWrites = () => world.postgres.sql('DROP FUNCTION public.refuse() CASCADE; SELECT 1')

describe('a database that takes no writes', () => {
  for (const [name, code, message] of [
    ['whose disk is full', '53100', 'could not extend file: No space left on device'],
    ['that is read-only', '25006', 'cannot execute INSERT in a read-only transaction'],
  ] as const) {
    itNeeds(missing)(`${name} is told of once, and is published to when it does`, async () => {
      const before = warnings(hub).length
      await refuseWrites(code, message)
      await refresh(hub)
      // Reads are answered all the time, and say nothing else.
      for (let look = 0; look < 5; look++) {
        await refresh(hub)
        await until(
          'it is told',
          () => databaseError(hub),
          (told) => told?.includes(message) === true,
        )
      }
      const told = warnings(hub).slice(before)
      expect(told.filter(({ reason }) => String(reason).includes(message))).toHaveLength(1)
      await takeWrites()
      await untilServes(spare, hub)
      await until(
        'nothing is told any more',
        () => databaseError(hub),
        (told) => told === null,
      )
      expect(world.server.liveFamilies()).toHaveLength(1)
    })
  }
})

describe('a statement that waits for a lock', () => {
  itNeeds(missing)('is told of once, and ended by the limits of the role', async () => {
    const { postgres } = world
    await untilServes(spare, hub)
    const before = warnings(hub).length
    const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity
      WHERE usename = 'evo_keeper' AND wait_event_type = 'Lock'`
    await postgres.sql(`ALTER ROLE evo_keeper SET lock_timeout = 0;
      ALTER ROLE evo_keeper SET statement_timeout = '500ms';
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'evo_keeper'`)
    await untilConfirmed(hub)
    const lock = await postgres.open()
    await lock.query('BEGIN; LOCK TABLE evo_token.app IN ACCESS EXCLUSIVE MODE')
    try {
      for (let round = 0; round < 3; round++) {
        await refresh(hub)
        await until(
          'it is told',
          () => databaseError(hub),
          (told) => told?.includes('statement timeout') === true,
        )
      }
      const [row] = await postgres.sql(waiting)
      // Two keepers, with four connections each.
      expect(row?.count).toBeLessThanOrEqual(8)
      const told = warnings(hub).slice(before)
      expect(
        told.filter(({ reason }) => String(reason).includes('statement timeout')),
      ).toHaveLength(1)
    } finally {
      await lock.end()
    }
    await untilServes(spare, hub)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })

  itNeeds(missing)('is told of once, where the role has no limits', async () => {
    const { postgres } = world
    await untilServes(spare, hub)
    await postgres.sql(`ALTER ROLE evo_keeper SET lock_timeout = 0;
      ALTER ROLE evo_keeper SET statement_timeout = 0;
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'evo_keeper'`)
    await untilConfirmed(hub)
    const before = warnings(spare).length
    const lock = await postgres.open()
    await lock.query('BEGIN; LOCK TABLE evo_token.app IN ACCESS EXCLUSIVE MODE')
    try {
      // Beats are answered all the time, and say nothing else.
      for (let look = 0; look < 4; look++) {
        await until(
          'it is told',
          () => databaseError(spare),
          (told) => told?.includes('does not answer in time') === true,
        )
      }
      const told = warnings(spare).slice(before)
      expect(told.filter(({ reason }) => String(reason).includes('in time'))).toHaveLength(1)
    } finally {
      await lock.end()
    }
    await refresh(hub)
    await untilServes(spare, hub)
  })
})

describe('a database that takes no more connections', () => {
  itNeeds(missing)('is used over those that are there, and nothing is told', async () => {
    const { postgres } = world
    await refresh(hub)
    await untilServes(spare, hub)
    await postgres.sql('ALTER ROLE evo_keeper CONNECTION LIMIT 0')
    const before = [hub, spare].map((host) => warnings(host).length)
    const looks = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE usename = 'evo_keeper'`
    const connected = async () => Number((await postgres.sql(looks))[0]?.count)
    expect(await connected()).toBeGreaterThan(0)
    // Several times as long as it takes until the databases of the list are looked at again.
    for (let round = 0; round < 8; round++) {
      await refresh(hub)
      await untilServes(spare, hub)
    }
    expect(await connected()).toBeGreaterThan(0)
    expect((await hub.share()).confirmed).toBe(true)
    expect([hub, spare].map((host) => warnings(host).length)).toEqual(before)
  })
})

describe('a database that is away', () => {
  itNeeds(missing)('gets what a caller asks for meanwhile when it is back', async () => {
    await untilServes(spare, hub)
    await world.postgres.stop('immediate')
    const asked = refresh(spare)
    await until(
      'it is noticed',
      () => databaseError(spare),
      (told) => told !== null,
    )
    await world.postgres.start()
    await asked
    expect(world.server.count('refresh_token')).toBe(1)
  })

  itNeeds(missing)('lets nothing be heard of any keeper', async () => {
    await world.postgres.stop('immediate')
    await until(
      'none is told to run',
      () => hub.share(),
      ({ keepers }) => keepers?.length === 2 && keepers.every(({ alive }) => !alive),
    )
  })
})

describe('a password that is changed', () => {
  itNeeds(missing)('at the database and in the file, needs no restart', async () => {
    const { postgres } = world
    const path = await postgres.passwordFileOf('evo_keeper')
    await postgres.sql(`ALTER ROLE evo_keeper PASSWORD 'another'`)
    // The connections that are there go on, while the file has the old one.
    await refresh(hub)
    await untilServes(spare, hub)
    await writeFile(path, 'another')
    await postgres.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'evo_keeper'`,
    )
    await refresh(hub)
    await untilServes(spare, hub)
    for (const host of [hub, spare]) await untilConfirmed(host)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })
})
