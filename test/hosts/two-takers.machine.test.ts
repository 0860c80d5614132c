/** Two keepers take over from the same one that is gone: each app gets one of them as its home, and its token is spent once. */
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { holdWrites } from './held-writes.ts'
import {
  APP,
  type Host,
  type HostsWorld,
  PATIENT,
  startHostsWorld,
  untilSilent,
} from './hosts-world.ts'

const missing = noPostgres()
const OTHER = 'evo-other'

let world: HostsWorld
let hub: Host
let first: Host
let second: Host

beforeEach(async () => {
  if (missing !== undefined) return
  world = await startHostsWorld({ apps: [APP, OTHER], ...PATIENT })
  hub = await world.keeper('hub', { seed: 'fresh' })
  first = await world.keeper('first')
  second = await world.keeper('second')
  await until(
    'both apps are published',
    () => hub.share(),
    ({ apps }) => apps?.every(({ published }) => published === true) === true,
  )
  await hub.end('SIGKILL')
  await untilSilent(first, hub)
  await untilSilent(second, hub)
})

afterEach(async () => {
  if (missing === undefined) await world[Symbol.asyncDispose]()
})

const homes = () =>
  world.postgres.sql(`SELECT a.name AS app, k.name AS home FROM evo_token.app a
    LEFT JOIN evo_token.keeper k ON k.id = a.home ORDER BY a.home_no`)

describe('an app that another keeper has taken over meanwhile', () => {
  itNeeds(missing)('is left to that one', async () => {
    const [row] = await world.postgres.sql(`SELECT id FROM evo_token.keeper WHERE name = 'first'`)
    const held = await holdWrites(
      world.postgres,
      `BEFORE UPDATE ON evo_token.app FOR EACH ROW
        WHEN (NEW.home = '${String(row?.id)}' AND OLD.home IS DISTINCT FROM NEW.home)`,
    )
    const taking = first.cli('share', 'take-over', 'hub')
    await held.untilHeld()
    // It gets the one that the first keeper has yet to come to.
    const others = await second.cli('share', 'take-over', 'hub')
    expect(others, others.stderr).toMatchObject({ code: 1 })
    const [taken] = (await homes()).filter(({ home }) => home === 'second')
    expect(taken).toBeDefined()
    await held.release()

    const done = await taking
    expect(done.stderr).toContain(
      `"${String(taken?.app)}" was not taken over: its row was changed meanwhile`,
    )
    const now = await homes()
    expect(now).toContainEqual(taken)
    expect(now.map(({ home }) => home).sort()).toEqual(['first', 'second'])
    for (const { app, home } of now) {
      const keeper = home === 'first' ? first : second
      const renewed = await keeper.cli('refresh', String(app))
      expect(renewed, renewed.stderr).toMatchObject({ code: 0 })
    }
    expect(world.server.liveFamilies()).toHaveLength(2)
  })
})
