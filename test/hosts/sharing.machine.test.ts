/** Sessions that several daemons share: one of them renews, and all of them serve. */
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
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

const refreshes = () => world.server.count('refresh_token')

describe('a session that is shared', () => {
  itNeeds(missing)(
    'is served by every keeper and reader, and renewed once for all of them',
    async () => {
      const node = await world.reader('node', hub)
      const first = await hub.token()
      expect(first).toMatch(/^eyJ/)
      expect(await spare.token()).toBe(first)
      await untilServed(node, first)

      // An API has refused it, and the program says so to the reader.
      await refresh(node)
      const second = await node.token()
      expect(second).not.toBe(first)
      expect(await hub.token()).toBe(second)
      await untilServed(spare, second)
      expect(refreshes()).toBe(1)
      expect(world.server.liveFamilies()).toHaveLength(1)
    },
  )

  itNeeds(missing)(
    'moves to another keeper on a person’s word, which renews it from then on',
    async () => {
      const refused = await spare.cli('logout', APP, '--yes')
      expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining('hub') as string })
      const moved = await spare.cli('share', 'move', APP)
      expect(moved, moved.stderr).toMatchObject({ code: 0 })
      await untilHomeIs(hub, spare)
      await refresh(spare)
      const token = await spare.token()
      await untilServed(hub, token)
      expect(refreshes()).toBe(1)
      expect(world.server.liveFamilies()).toHaveLength(1)
    },
  )

  itNeeds(missing)(
    'is taken over from a keeper that is gone, which spends nothing when it is back',
    async () => {
      const early = await spare.cli('share', 'take-over', 'hub')
      expect(early).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('still runs') as string,
      })
      await hub.end('SIGKILL')
      await untilSilent(spare, hub)
      const taken = await spare.cli('share', 'take-over', 'hub')
      expect(taken, taken.stderr).toMatchObject({ code: 0 })
      await refresh(spare)
      const token = await spare.token()

      await hub.start()
      await untilConfirmed(hub)
      await untilHomeIs(hub, spare)
      expect(await hub.token()).toBe(token)
      expect(world.server.liveFamilies()).toHaveLength(1)
    },
  )

  itNeeds(missing)(
    'is renewed while the database is away, but not by a keeper that was started meanwhile',
    async () => {
      await world.postgres.stop('fast')
      await refresh(hub)
      expect(refreshes()).toBe(1)
      const token = await hub.token()

      await hub.end()
      await hub.start()
      expect(await hub.token()).toBe(token)
      await hub.cli('refresh', APP)
      expect(refreshes()).toBe(1)

      await world.postgres.start()
      await untilConfirmed(hub)
      await untilServed(spare, token)
      await refresh(hub)
      expect(world.server.liveFamilies()).toHaveLength(1)
    },
  )

  itNeeds(missing)(
    'is another one after a sign-in elsewhere, which makes that keeper the home',
    async () => {
      expect(await spare.signIn()).toMatchObject({ code: 0 })
      await untilHomeIs(hub, spare)
      const token = await spare.token()
      await untilServed(hub, token)
      await refresh(spare)
    },
  )

  itNeeds(missing)('is over everywhere after a sign-out at its home', async () => {
    expect(await hub.cli('logout', APP, '--yes')).toMatchObject({ code: 0 })
    await until(
      'the other keeper knows',
      () => spare.token(),
      (said) => said.includes('not signed in'),
    )
    expect(world.server.liveFamilies()).toEqual([])
  })

  itNeeds(missing)('is its keeper’s own again after that has left the others', async () => {
    expect(await hub.cli('share', 'leave')).toMatchObject({ code: 0 })
    expect(await world.postgres.sql('SELECT * FROM evo_token.app')).toEqual([])
    await refresh(hub)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })

  itNeeds(missing)(
    'is not spent, ended or kept by a keeper that gave it away and shares no more',
    async () => {
      expect(await spare.cli('share', 'move', APP)).toMatchObject({ code: 0 })
      await untilHomeIs(hub, spare)
      await hub.end()
      const { share, ...alone } = JSON.parse(await hub.readConfig()) as { share: object }
      await hub.home.write(alone)
      await hub.start()
      expect(await hub.cli('logout', APP, '--yes')).toMatchObject({ code: 5 })
      expect(await hub.cli('share', 'leave')).toMatchObject({ code: 0 })
      await hub.cli('refresh', APP)
      expect(refreshes()).toBe(0)
      await refresh(spare)
      expect(world.server.liveFamilies()).toHaveLength(1)

      // A new sign-in is its own.
      expect(await hub.signIn()).toMatchObject({ code: 0 })
      await refresh(hub)
      expect(share).toBeDefined()
    },
  )

  itNeeds(missing)('goes on where its keeper left, was alone, and is back', async () => {
    expect(await hub.cli('share', 'leave')).toMatchObject({ code: 0 })
    await refresh(hub)
    await hub.end()
    await hub.start()
    await untilConfirmed(hub)
    await untilHomeIs(spare, hub)
    await refresh(hub)
    const token = await hub.token()
    await untilServed(spare, token)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })
})
