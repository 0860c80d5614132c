/** A keeper that leaves the others: afterwards it alone has the session, or it has not left. */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { ask } from '../faults/owner.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { holdWrites } from './held-writes.ts'
import {
  APP,
  PATIENT,
  refresh,
  untilConfirmed,
  untilHomeIs,
  untilServes,
  untilSilent,
} from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('each', { session: 'seeded', ...PATIENT })

const rows = () => world.postgres.sql('SELECT home FROM evo_token.app')
const refreshes = () => world.server.count('refresh_token')

describe('a keeper that leaves the others', () => {
  itNeeds(missing)('stays where the row names another home', async () => {
    // As one that took over with a vault key that this keeper lacks.
    await world.postgres.sql(`UPDATE evo_token.app SET home_no = home_no + 1,
      home = (SELECT id FROM evo_token.keeper WHERE name = 'spare'),
      session = 'x', revision = gen_random_uuid(), changed_at = clock_timestamp()`)
    const before = await rows()
    const left = await hub.cli('share', 'leave')
    expect(left, left.stdout).toMatchObject({
      code: 6,
      stderr: expect.stringContaining(`may be the home of "${APP}"`) as string,
    })
    await hub.cli('refresh', APP)
    expect(refreshes()).toBe(0)
    expect(await rows()).toEqual(before)
  })

  itNeeds(missing)('stays where its disk does not take that', async () => {
    const before = await rows()
    const inTheWay = join(hub.home.stateDir, 'vault', `${APP}.jwe.new`)
    await mkdir(inTheWay)
    const left = await hub.cli('share', 'leave')
    expect(left, left.stderr).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('could not be stored') as string,
    })
    await until('the row is there again', rows, (seen) => seen.length === 1)
    expect(await rows()).toEqual(before)

    await rmdir(inTheWay)
    await untilHomeIs(spare, hub)
    expect(await hub.cli('share', 'leave')).toMatchObject({ code: 0 })
    expect(await rows()).toEqual([])
    await refresh(hub)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })

  itNeeds(missing)(
    'stays where its disk does not take that, with no database in its config',
    async () => {
      const { share, ...alone } = JSON.parse(await hub.readConfig()) as { share: object }
      await hub.end()
      await hub.home.write(alone)
      await hub.start()
      const inTheWay = join(hub.home.stateDir, 'vault', `${APP}.jwe.new`)
      await mkdir(inTheWay)
      expect(await hub.cli('share', 'leave')).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('could not be stored') as string,
      })
      await rmdir(inTheWay)
      expect(await hub.cli('share', 'leave')).toMatchObject({ code: 0 })
      await refresh(hub)
      expect(share).toBeDefined()
    },
  )

  itNeeds(missing)('leaves no row behind that was on its way', async () => {
    const held = await holdWrites(world.postgres, 'BEFORE INSERT ON evo_token.app FOR EACH ROW')
    await refresh(hub)
    await held.untilHeld()
    const leaving = ask(await hub.daemon().socket, '/v1/share/leave', 'POST')
    // One that did not wait for the row would have deleted it by the end of this.
    await hub.share()
    await held.release()
    expect(await leaving).toMatchObject({ status: 200, body: { apps: [APP], copies_left: [] } })
    expect(await rows()).toEqual([])
    await refresh(hub)
    expect(await rows()).toEqual([])
  })

  itNeeds(missing)('becomes the home of nothing until it is started again', async () => {
    await hub.end('SIGKILL')
    await untilSilent(spare, hub)
    expect(await spare.cli('share', 'leave')).toMatchObject({ code: 0 })
    const before = await rows()
    const refused = {
      code: 5,
      stderr: expect.stringContaining('has stopped sharing') as string,
    }
    expect(await spare.cli('share', 'take-over', 'hub')).toMatchObject(refused)
    expect(await spare.cli('share', 'move', APP)).toMatchObject(refused)
    const signedIn = await spare.signIn()
    expect(signedIn.code).not.toBe(0)
    expect(await rows()).toEqual(before)

    await spare.end()
    await spare.start()
    await untilConfirmed(spare)
    const taken = await spare.cli('share', 'take-over', 'hub')
    expect(taken, taken.stderr).toMatchObject({ code: 0 })
    await refresh(spare)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })

  itNeeds(missing)('shares with another reader key when it is back', async () => {
    const number = async (...options: readonly string[]) => {
      const file = join(hub.home.directory, `keys-${randomUUID()}`)
      const made = await hub.cli('share', 'reader-key', '--app', APP, '--out', file, ...options)
      if (made.code !== 0) throw new Error(made.stderr)
      const keys = JSON.parse(await readFile(file, 'utf8')) as { number: number }
      return keys.number
    }
    const reader = await world.reader('node', hub)
    await untilServes(reader, hub)
    const renewed = await number('--renew')
    expect(await hub.cli('share', 'leave')).toMatchObject({ code: 0 })
    await expect(number()).rejects.toThrow('not shared yet')
    await hub.end()
    await hub.start()
    await untilConfirmed(hub)
    await untilHomeIs(spare, hub)
    expect(await number()).toBeGreaterThan(renewed)

    // The key that was renewed opens nothing again.
    await refresh(hub)
    await untilServes(spare, hub)
    expect(await reader.token()).not.toBe(await hub.token())
  })
})
