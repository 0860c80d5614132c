/** The database loses that another keeper became the home, while none of the keepers runs. */
import { describe, expect } from 'vitest'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { APP, refresh, untilConfirmed, untilHomeIs } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('each')

const numberInRow = async () => {
  const [row] = await world.postgres.sql('SELECT home_no FROM evo_token.app')
  return Number(row?.home_no)
}

describe('a home that is not confirmed yet', () => {
  itNeeds(missing)(
    'tells the database that it is the home, before another believes it',
    async () => {
      const { postgres, server } = world
      await postgres.sql('CREATE TABLE public.before AS SELECT * FROM evo_token.app')
      await hub.end('SIGKILL')
      await until(
        'hub is silent',
        () => spare.share(),
        ({ keepers }) => keepers?.some(({ name, alive }) => name === 'hub' && !alive) === true,
      )
      expect(await spare.cli('share', 'take-over', 'hub')).toMatchObject({ code: 0 })
      await refresh(spare)
      const number = await numberInRow()
      const spent = server.count('refresh_token')
      await spare.end('SIGKILL')
      await postgres.sql(`BEGIN; DELETE FROM evo_token.app;
      INSERT INTO evo_token.app SELECT * FROM public.before; COMMIT; SELECT 1`)
      await postgres.stop('immediate')
      await postgres.start()

      // It watches the database for longer than this test takes.
      await spare.start({ watchMs: 600_000 })
      await until('the row is of spare again', numberInRow, (seen) => seen === number)
      expect(await spare.share()).toMatchObject({ confirmed: false })
      await hub.start()
      await untilConfirmed(hub)
      await untilHomeIs(hub, spare)
      await hub.cli('refresh', APP)
      expect(server.count('refresh_token')).toBe(spent)
      expect(server.liveFamilies()).toHaveLength(1)
    },
  )

  itNeeds(missing)('watches a database anew whose table was emptied or made anew', async () => {
    await hub.end()
    await world.postgres.sql('TRUNCATE evo_token.app')
    await hub.start({ watchMs: 600_000 })
    await until(
      'it says that it watches',
      () => hub.share(),
      ({ message }) => message?.includes('watched') === true,
    )
    // What it has in hand it serves.
    expect(await hub.token()).toMatch(/^eyJ/)
  })
})
