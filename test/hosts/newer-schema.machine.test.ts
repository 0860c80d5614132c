/** A newer version of evo-token has migrated the database, and this one is not updated yet. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import {
  type Host,
  type HostsWorld,
  refresh,
  startHostsWorld,
  untilConfirmed,
  untilHomeIs,
} from './hosts-world.ts'

const missing = noPostgres()
const NEWER = 7

let world: HostsWorld
let hub: Host

beforeAll(async () => {
  if (missing !== undefined) return
  world = await startHostsWorld()
  hub = await world.keeper('hub', { seed: 'fresh' })
  await untilHomeIs(hub, hub)
  await hub.end()
  await world.postgres.sql(`UPDATE evo_token.meta SET schema_version = ${NEWER}`)
  await world.postgres.sql(`ALTER TABLE evo_token.app ADD COLUMN more text DEFAULT 'more'`)
  await hub.start()
  await untilConfirmed(hub)
})

afterAll(async () => {
  if (missing === undefined) await world[Symbol.asyncDispose]()
})

describe('tables of a newer version', () => {
  itNeeds(missing)('are published to', async () => {
    await refresh(hub)
    await untilHomeIs(hub, hub)
  })

  itNeeds(missing)('are no fault for doctor', async () => {
    const { stdout } = await hub.cli('doctor')
    expect(stdout).toContain(`the tables are of version ${NEWER}, and this evo-token goes on`)
  })

  itNeeds(missing)('are not made older by an older migrate', async () => {
    const passwordFile = await world.postgres.passwordFileOf('super')
    const owner = ['--user', 'super', '--password-file', passwordFile]
    const { code, stderr } = await hub.cli('share', 'migrate', ...owner, '--grant', 'evo_keeper')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(
        'its tables are of version 7, made by a newer evo-token',
      ) as string,
    })
    const rows = await world.postgres.sql('SELECT schema_version FROM evo_token.meta')
    expect(rows).toEqual([{ schema_version: NEWER }])
  })
})
