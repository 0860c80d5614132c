/** A publication whose connection the database ends: it is repeated soon, though no row has changed. */
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { holdWrites } from './held-writes.ts'
import { PATIENT, refresh, untilServes } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

// Nothing else has the row looked at again.
const { sharing, ...others } = PATIENT
const RARELY = { wholeMs: 600_000, lateMs: 50, overlapMs: 50 }
useTwoKeepers('each', { session: 'seeded', ...others, sharing: { ...sharing, ...RARELY } })

describe('a publication that is cut off', () => {
  itNeeds(missing)('is there soon', async () => {
    await untilServes(spare, hub)
    const held = await holdWrites(world.postgres, 'BEFORE INSERT ON evo_token.app FOR EACH ROW')
    await refresh(hub)
    await held.untilHeld()
    await world.postgres.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE usename = 'evo_keeper' AND wait_event = 'PgSleep'`)
    await held.release()
    await untilServes(spare, hub)
    expect(world.server.count('refresh_token')).toBe(1)
  })
})
