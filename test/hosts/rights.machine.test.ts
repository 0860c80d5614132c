/** What those can do in the database who are no keeper: a stolen reader, and those who have a password and no key. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
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
  refresh,
} from './hosts-world.ts'

const missing = noPostgres()
const OTHER = 'evo-other'
const READER = 'evo_node'
const HOMES = `SELECT k.name FROM evo_token.app a JOIN evo_token.keeper k ON k.id = a.home
  WHERE a.name = '${APP}'`

let world: HostsWorld
let hub: Host

beforeAll(async () => {
  if (missing !== undefined) return
  world = await startHostsWorld({ apps: [APP, OTHER] })
  hub = await world.keeper('hub')
  for (const app of [APP, OTHER]) expect(await hub.signIn(app)).toMatchObject({ code: 0 })
  await untilHomeIs(hub, hub)
  await world.reader('node', hub)
  // It may have the first app only.
  await world.postgres.sql(`DELETE FROM evo_token.reader_app WHERE app = '${OTHER}'`)
})

afterAll(async () => {
  if (missing === undefined) await world[Symbol.asyncDispose]()
})

const asReader = (sql: string) => world.postgres.sql(sql, READER)
const asKeeper = (sql: string) => world.postgres.sql(sql, 'evo_keeper')

describe('a stolen reader with an SQL client', () => {
  itNeeds(missing)('sees the sealed tokens of its apps, and no others', async () => {
    const rows = await asReader('SELECT name, access FROM evo_token.app')
    expect(rows.map(({ name }) => name)).toEqual([APP])
    expect(await asReader('SELECT app FROM evo_token.reader_app')).toEqual([{ app: APP }])
  })

  const refused: readonly (readonly [string, string])[] = [
    ['a sealed session', 'SELECT session FROM evo_token.app'],
    ['everything of a row', 'SELECT * FROM evo_token.app'],
    ['a row as one value', 'SELECT to_jsonb(a) FROM evo_token.app a'],
    ['the number of sessions', 'SELECT count(session) FROM evo_token.app'],
    ['a copy of the table', 'COPY evo_token.app TO STDOUT'],
    ['a lock on a row', 'SELECT name FROM evo_token.app FOR KEY SHARE'],
    ['the role of the keepers', 'SET ROLE evo_keeper'],
    [
      'a function in its own schema',
      `CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    ],
    ['a schema', 'CREATE SCHEMA mine'],
    ['more connections', `ALTER ROLE ${READER} CONNECTION LIMIT 100`],
    ['passwords', 'SELECT rolpassword FROM pg_authid'],
    ['a file of the server', `SELECT pg_read_file('PG_VERSION')`],
    ['what others want', 'SELECT * FROM evo_token.wanted'],
    ['the keepers', 'SELECT * FROM evo_token.keeper'],
    ['a row, to change it', 'UPDATE evo_token.app SET home = NULL'],
    ['a row, to delete it', 'DELETE FROM evo_token.app'],
    [
      'a renewal request, past the function',
      `INSERT INTO evo_token.wanted VALUES ('x', 'y', NULL, NULL, now())`,
    ],
    ['another app for itself', `INSERT INTO evo_token.reader_app VALUES ('${READER}', '${OTHER}')`],
    ['a temporary table', 'CREATE TEMPORARY TABLE mine (a int)'],
    ['a table', 'CREATE TABLE public.mine (a int)'],
    ['a lock on the rows', 'BEGIN; LOCK TABLE evo_token.app IN ACCESS EXCLUSIVE MODE'],
  ]
  itNeeds(missing)('is refused what only keepers may have or do', async () => {
    for (const [what, sql] of refused) {
      await expect(asReader(sql), what).rejects.toThrow(/permission denied/)
    }
  })

  itNeeds(missing)('learns of other apps from no error, plan, statistic or session', async () => {
    // The error names the value that the cast met.
    await expect(asReader('SELECT name FROM evo_token.app WHERE name::int = 1')).rejects.toThrow(
      APP,
    )
    await expect(
      asReader(`SELECT name FROM evo_token.app WHERE name <> '${APP}' AND name::int = 1`),
    ).resolves.toEqual([])
    await world.postgres.sql('ANALYZE evo_token.app')
    expect(await asReader(`SELECT * FROM pg_stats WHERE schemaname = 'evo_token'`)).toEqual([])
    const plan = await asReader('EXPLAIN (ANALYZE, VERBOSE) SELECT name FROM evo_token.app')
    expect(JSON.stringify(plan)).not.toContain(OTHER)
    await expect(
      asReader('SET row_security = off; SELECT name FROM evo_token.app'),
    ).rejects.toThrow(/row-level security/)
    const others = await asReader(
      `SELECT DISTINCT query FROM pg_stat_activity WHERE usename <> '${READER}'`,
    )
    expect(others).toEqual([{ query: '<insufficient privilege>' }])
    await expect(
      asReader(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> '${READER}'`,
      ),
    ).rejects.toThrow(/must be|permission denied/)
  })

  itNeeds(missing)('fills neither disk nor locks of the server, with database.sql', async () => {
    const sql = await readFile(
      join(import.meta.dirname, '../../examples/many-hosts/database.sql'),
      'utf8',
    )
    await world.postgres.sql(
      sql.slice(sql.indexOf('\\connect evo_token\n') + '\\connect evo_token\n'.length),
    )
    for (const call of [
      'lo_creat(-1)',
      'lo_create(0)',
      `lo_from_bytea(0, 'x')`,
      `pg_logical_emit_message(false, 'x', repeat('x', 1000000))`,
      `pg_logical_emit_message(false, 'x', 'x'::bytea)`,
      'pg_advisory_lock(1)',
      'pg_advisory_lock_shared(1, 1)',
      'pg_advisory_xact_lock(1)',
      'pg_try_advisory_lock(1)',
      'pg_try_advisory_xact_lock_shared(1)',
    ]) {
      await expect(asReader(`SELECT ${call}`), call).rejects.toThrow(/permission denied/)
    }
    await expect(asReader('SET temp_file_limit = -1')).rejects.toThrow(/permission denied/)
    await refresh(hub)
    await untilHomeIs(hub, hub)
  })

  itNeeds(missing)(
    'makes one renewal request an app at most, and none for another’s app',
    async () => {
      const [row] = await asReader('SELECT identity_digest FROM evo_token.app')
      const digest = String(row?.identity_digest)
      const want = (app: string) =>
        asReader(
          `SELECT evo_token.want('${app}', '${digest}', NULL, NULL) FROM generate_series(1, 1000)`,
        )
      await want(OTHER)
      await want('no-such-app')
      expect(
        await world.postgres.sql(`SELECT * FROM evo_token.wanted WHERE name <> '${APP}'`),
      ).toEqual([])
    },
  )

  itNeeds(missing)(
    'keeps no renewal request from its home with an instant that no clock has',
    async () => {
      const [row] = await asReader('SELECT identity_digest FROM evo_token.app')
      const digest = String(row?.identity_digest)
      for (const instant of ['-infinity', '4713-01-01 BC']) {
        await asReader(`SELECT evo_token.want('${APP}', '${digest}', NULL, '${instant}')`)
        await until(
          'it is answered',
          () => world.postgres.sql('SELECT * FROM evo_token.wanted'),
          (rows) => rows.length === 0,
        )
      }
    },
  )
})

describe('a keeper’s password without the vault key', () => {
  itNeeds(missing)('shows no secret, and what it deletes is published again', async () => {
    const rows = await asKeeper('SELECT name, session, access FROM evo_token.app')
    const token = await hub.token()
    expect(rows).toHaveLength(2)
    for (const row of rows) expect(JSON.stringify(row)).not.toContain(token)
    await asKeeper('DELETE FROM evo_token.app')
    await until(
      'it is published again',
      () => asKeeper('SELECT name FROM evo_token.app'),
      (seen) => seen.length === 2,
    )
    expect(await hub.token()).toBe(token)
  })

  itNeeds(missing)(
    'makes the home stand still with a forged row, which loses nothing and sends nothing elsewhere',
    async () => {
      const refreshes = world.server.count('refresh_token')
      await asKeeper(
        `UPDATE evo_token.app SET home_no = home_no + 1, home = gen_random_uuid(), revision = gen_random_uuid(),
           session = 'x', changed_at = clock_timestamp() WHERE name = '${APP}'`,
      )
      try {
        await until(
          'it is noticed',
          () => hub.cli('status', APP),
          ({ stdout }) => stdout.includes('DELETE FROM evo_token.app'),
        )
        await hub.cli('refresh', APP)
        expect(world.server.count('refresh_token')).toBe(refreshes)
      } finally {
        await asKeeper(`DELETE FROM evo_token.app WHERE name = '${APP}'`)
      }
      await untilHomeIs(hub, hub)
      await refresh(hub)
    },
  )

  itNeeds(missing)(
    'stops a keeper with the beat of another process, until that is started again',
    async () => {
      await asKeeper(`UPDATE evo_token.keeper SET instance = gen_random_uuid()`)
      try {
        await until(
          'it is noticed',
          () => hub.share(),
          ({ confirmed, message }) =>
            confirmed === false && message?.includes('state directory') === true,
        )
        // Nothing is said of the row that was forged before.
        expect((await hub.cli('status', APP)).stdout).not.toContain('damaged')
      } finally {
        await hub.end()
        await hub.start()
      }
      await untilConfirmed(hub)
      await refresh(hub)
    },
  )

  itNeeds(missing)('keeps none from starting with keepers that are none', async () => {
    await asKeeper(`INSERT INTO evo_token.keeper (id, name, instance, host, version, config_digest, kids, beat)
      SELECT gen_random_uuid(), E'hub\\x1b[31m', gen_random_uuid(), repeat('h', 100000), E'v\\n', '', '{}', beat
        FROM unnest(ARRAY['infinity', '-infinity', '9999-12-31', '0001-01-01']::timestamptz[]) AS beat`)
    try {
      await hub.end()
      await hub.start()
      await untilConfirmed(hub)
      const { stdout } = await hub.cli('share', 'status')
      expect(stdout).not.toContain('\x1b')
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(1_000)
      await refresh(hub)
    } finally {
      await asKeeper(`DELETE FROM evo_token.keeper WHERE host LIKE 'hhh%'`)
    }
  })

  itNeeds(missing)('makes no other keeper the home', async () => {
    const spare = await world.keeper('spare')
    const [row] = await asKeeper(`SELECT id FROM evo_token.keeper WHERE name = 'spare'`)
    await asKeeper(
      `UPDATE evo_token.app SET home = '${String(row?.id)}', revision = gen_random_uuid(),
         changed_at = clock_timestamp() WHERE name = '${APP}'`,
    )
    await until(
      'it is published over',
      () => asKeeper(HOMES),
      ([seen]) => seen?.name === 'hub',
    )
    await refresh(spare)
    expect(world.server.liveFamilies()).toHaveLength(2)
    expect((await spare.share()).apps?.find(({ app }) => app === APP)?.here).toBe(false)
  })
})

describe('the owner of the tables', () => {
  itNeeds(missing)('may migrate again', async () => {
    const superFile = await world.postgres.passwordFileOf('super')
    const again = await hub.cli(
      ...[
        'share',
        'migrate',
        '--user',
        'super',
        '--password-file',
        superFile,
        '--grant',
        'evo_keeper',
      ],
    )
    expect(again, again.stderr).toMatchObject({ code: 0 })
  })

  itNeeds(missing)('is told what is missing where a keeper’s role is used for it', async () => {
    const refused = await hub.cli('share', 'migrate')
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.stderr).toContain('--dry-run')
  })
})
