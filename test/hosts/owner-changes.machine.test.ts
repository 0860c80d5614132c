/** What a person asks for while the home renews: what was asked for last holds, and nothing lives on that was signed out. */
import { describe, expect } from 'vitest'
import { holdAnswers } from '../faults/kill-at-step.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { APP, untilHomeIs, untilServes, refresh } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('each', { session: 'seeded' })

/** The home has asked the server, which has spent its token; the answer comes when it is released. */
async function whileRenewing() {
  const held = holdAnswers(world.server)
  const renewing = hub.cli('refresh', APP)
  await held.rotated
  return { ...held, renewing }
}

const families = () => world.server.liveFamilies().length

describe('while the home waits for an answer', () => {
  itNeeds(missing)('a move waits for it, and the new home has what it brought', async () => {
    const { release, renewing } = await whileRenewing()
    const moving = spare.cli('share', 'move', APP)
    await until(
      'the request to move is there',
      () => world.postgres.sql('SELECT 1 FROM evo_token.app WHERE move_to IS NOT NULL'),
      (rows) => rows.length === 1,
    )
    release()
    await renewing
    expect((await moving).code).toBe(0)
    await untilHomeIs(hub, spare)
    await refresh(spare)
    await untilServes(hub, spare)
    expect(families()).toBe(1)
  })

  itNeeds(missing)('a move that its keeper waits for no more is not done', async () => {
    const { release, renewing } = await whileRenewing()
    const row = () =>
      world.postgres.sql(
        'SELECT home, home_no, move_to IS NOT NULL AS requested FROM evo_token.app',
      )
    const before = await row()
    const moving = spare.cli('share', 'move', APP)
    await until('the request to move is there', row, ([seen]) => seen?.requested === true)
    await spare.end('SIGKILL')
    await moving
    await spare.start()
    await until('the request to move is gone', row, ([seen]) => seen?.requested === false)
    release()
    await renewing
    await refresh(hub)
    await untilServes(spare, hub)
    expect(await row()).toEqual(before)
  })

  itNeeds(missing)('a sign-in elsewhere is the session from then on', async () => {
    const { release, renewing } = await whileRenewing()
    // The sign-in is a request to the token endpoint, too: it is answered at once.
    const held = world.server.intercept
    world.server.intercept = (request, act) =>
      request.grantType === 'refresh_token' ? held(request, act) : act()
    expect(await spare.signIn()).toMatchObject({ code: 0 })
    release()
    await renewing
    world.server.intercept = (_request, act) => act()
    await untilHomeIs(hub, spare)
    await refresh(spare)
    await untilServes(hub, spare)
    expect(await spare.cli('logout', APP, '--yes')).toMatchObject({ code: 0 })
    await until(
      'the old home knows',
      () => hub.token(),
      (said) => said.includes('not signed in'),
    )
    // The session before was the old home's, and another person's: no one ended it.
    expect(world.server.liveFamilies().map(({ login }) => login)).not.toContain('ada')
  })

  itNeeds(missing)('a sign-out ends what the answer brings, everywhere', async () => {
    const { release, renewing } = await whileRenewing()
    const leaving = hub.cli('logout', APP, '--yes')
    release()
    await renewing
    expect((await leaving).code).toBe(0)
    for (const host of [hub, spare]) {
      await until(
        `${host.name} knows`,
        () => host.token(),
        (said) => said.includes('not signed in'),
      )
    }
    await until('the server has no live session', () => families() === 0)
  })

  itNeeds(missing)('a new client secret is refused elsewhere, and the answer is kept', async () => {
    const { release, renewing } = await whileRenewing()
    const refused = await spare.cli('secret', APP)
    expect(refused.code).not.toBe(0)
    release()
    await renewing
    await untilServes(spare, hub)
    await refresh(hub)
    expect(families()).toBe(1)
  })
})
