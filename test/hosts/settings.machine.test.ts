/** Settings that an administrator may give the role of the keepers: a session is renewed, served and moved under each. */
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { APP, refresh, untilConfirmed, untilHomeIs, untilServes } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('all', { session: 'seeded' })

const SETTINGS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  [
    'transactions that are serializable and may wait',
    { default_transaction_isolation: 'serializable', default_transaction_deferrable: 'on' },
  ],
  ['commits that a crash loses', { synchronous_commit: 'off' }],
  ['a search path without anything', { search_path: 'nowhere' }],
  [
    'other formats',
    {
      DateStyle: 'SQL, DMY',
      TimeZone: 'Asia/Kolkata',
      IntervalStyle: 'sql_standard',
      extra_float_digits: '-15',
      client_encoding: 'LATIN1',
      standard_conforming_strings: 'off',
    },
  ],
  ['sessions that end when they rest', { idle_session_timeout: '200ms' }],
]

describe('a role of keepers with', () => {
  for (const [what, settings] of SETTINGS) {
    itNeeds(missing)(what, async () => {
      const { postgres, server } = world
      const [from, to] = (await hub.share()).apps?.[0]?.here ? [hub, spare] : [spare, hub]
      for (const [name, value] of Object.entries(settings)) {
        await postgres.sql(
          `ALTER ROLE evo_keeper SET ${name} = ${value.includes(',') ? value : `'${value}'`}`,
        )
      }
      try {
        await postgres.sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'evo_keeper'`,
        )
        for (const host of [from, to]) await untilConfirmed(host)
        await refresh(from)
        await untilServes(to, from)
        const moved = await to.cli('share', 'move', APP)
        expect(moved, moved.stderr).toMatchObject({ code: 0 })
        await refresh(to)
        await untilHomeIs(from, to)
        await untilServes(from, to)
      } finally {
        for (const name of Object.keys(settings)) {
          await postgres.sql(`ALTER ROLE evo_keeper RESET ${name}`)
        }
      }
      expect(server.liveFamilies()).toHaveLength(1)
    })
  }
})
