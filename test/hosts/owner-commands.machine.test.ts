/** What a person asks of keepers that share: what could not be held afterwards is refused before anything is changed. */
import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { APP, refresh, untilHomeIs, untilSilent } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('each')

const row = async () => (await world.postgres.sql('SELECT home, home_no FROM evo_token.app'))[0]

describe('a keeper whose disk has no room', () => {
  itNeeds(missing)('neither is given an app nor takes it over, until it has', async () => {
    const before = await row()
    const inTheWay = join(spare.home.stateDir, 'vault', `${APP}.jwe.new`)
    await mkdir(inTheWay)
    const moved = await spare.cli('share', 'move', APP)
    expect(moved).toMatchObject({ code: 5, stderr: expect.stringContaining('no room') as string })
    await hub.end('SIGKILL')
    await untilSilent(spare, hub)
    const taken = await spare.cli('share', 'take-over', 'hub')
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('no room') as string })
    expect(await row()).toEqual(before)

    await rmdir(inTheWay)
    expect(await spare.cli('share', 'take-over', 'hub')).toMatchObject({ code: 0 })
    await refresh(spare)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })
})

describe('a sign-in at a keeper that is not the home', () => {
  itNeeds(missing)('is refused to another person than the one who is signed in', async () => {
    const token = await hub.token()
    const refused = await spare.signIn(APP, { person: 'grace' })
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('is signed in as ada')
    await untilHomeIs(spare, hub)
    expect(await hub.token()).toBe(token)
    await refresh(hub)
    expect(await spare.signIn(APP)).toMatchObject({ code: 0 })
  })
})

describe('a keeper that leaves the others', () => {
  itNeeds(missing)(
    'says of which apps a copy may be left, where the database is away',
    async () => {
      await world.postgres.stop('fast')
      const left = await hub.cli('share', 'leave')
      expect(left).toMatchObject({ code: 0 })
      expect(left.stderr).toMatch(new RegExp(`may still have a copy of ${APP}`))
      await refresh(hub)
    },
  )
})
