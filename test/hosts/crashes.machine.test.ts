/** A keeper that is killed, or stands still, between two steps of a change: nothing spent is sent, and the app gets a home. */
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { ask, statusOf } from '../faults/owner.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import {
  APP,
  type Host,
  untilConfirmed,
  untilHomeIs,
  untilServes,
  untilSilent,
  refresh,
} from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

useTwoKeepers('all', { session: 'seeded' })

/** How many requests the server got before the test. */
let before = 0

beforeEach(() => {
  if (missing === undefined) before = world.server.requests.length
})

// A test that failed may leave a keeper behind that is dead, stopped, or ends itself at its next step.
afterEach(async ({ task }) => {
  if (missing !== undefined || task.result?.state !== 'fail') return
  for (const host of [hub, spare]) {
    await host.end('SIGKILL')
    await host.start()
    await untilConfirmed(host)
  }
  if (world.server.liveFamilies().length > 0) return
  const signedIn = await hub.signIn(APP, { person: 'person-of-evo-me' })
  if (signedIn.code !== 0) throw new Error(signedIn.stderr)
})

/** A move may have to be asked for again where its first half was lost. */
async function becomeHome(host: Host): Promise<void> {
  await until(`${host.name} is the home`, async () => {
    const { apps } = await host.share()
    if (apps?.some(({ here, published }) => here && published === true)) return true
    await host.cli('share', 'move', APP)
    return false
  })
}

async function start(host: Host, options: Parameters<Host['start']>[1]): Promise<void> {
  await host.end('SIGKILL')
  await host.start({}, options)
  await untilConfirmed(host)
}

async function restart(host: Host): Promise<void> {
  await host.start()
  await untilConfirmed(host)
}

/** Every refresh token was sent once, and the session lives. */
function expectNothingSentTwice(): void {
  const generations = world.server.requests
    .slice(before)
    .filter(({ grantType }) => grantType === 'refresh_token')
    .map(({ generation }) => generation)
  expect(new Set(generations).size).toBe(generations.length)
  expect(world.server.liveFamilies()).toHaveLength(1)
}

/** Of a record that is written. */
const MOMENTS = ['store opened', 'store directory-synced']

describe('a move', () => {
  for (const moment of MOMENTS) {
    itNeeds(missing)(`survives a kill of the old home at its step "${moment}"`, async () => {
      await becomeHome(hub)
      await start(hub, { killAt: moment })
      const moving = spare.cli('share', 'move', APP)
      expect((await hub.daemon().ended).signal).toBe('SIGKILL')
      await restart(hub)
      await moving
      await becomeHome(spare)
      await refresh(spare)
      await untilServes(hub, spare)
      expectNothingSentTwice()
    })

    itNeeds(missing)(`survives a kill of the new home at its step "${moment}"`, async () => {
      await becomeHome(hub)
      await start(spare, { killAt: moment })
      const moving = spare.cli('share', 'move', APP)
      expect((await spare.daemon().ended).signal).toBe('SIGKILL')
      await moving
      await restart(spare)
      await becomeHome(spare)
      await refresh(spare)
      await untilServes(hub, spare)
      expectNothingSentTwice()
    })
  }
})

describe('a take-over', () => {
  for (const moment of MOMENTS) {
    itNeeds(missing)(
      `survives a kill of the new home at its step "${moment}", when the row names it`,
      async () => {
        await becomeHome(hub)
        await start(spare, { killAt: moment })
        await hub.end('SIGKILL')
        await untilSilent(spare, hub)
        const taking = spare.cli('share', 'take-over', 'hub')
        expect((await spare.daemon().ended).signal).toBe('SIGKILL')
        await taking
        await restart(spare)
        await untilHomeIs(spare, spare)
        await refresh(spare)
        await restart(hub)
        await untilServes(hub, spare)
        expectNothingSentTwice()
      },
    )
  }
})

describe('a renewal', () => {
  // In between it is whole on the disk, beside the record that it follows.
  for (const moment of ['store synced', 'stored']) {
    itNeeds(missing)(
      `is published by the next start after a kill at its step "${moment}"`,
      async () => {
        await becomeHome(hub)
        await start(hub, { killAt: moment })
        await hub.cli('refresh', APP)
        expect((await hub.daemon().ended).signal).toBe('SIGKILL')
        await restart(hub)
        await untilServes(spare, hub)
        await refresh(hub)
        expectNothingSentTwice()
      },
    )
  }

  for (const moment of ['reserve directory-synced', 'send']) {
    itNeeds(missing)(
      `is not sent by a home that stood still at its step "${moment}", while another took over`,
      async () => {
        await becomeHome(hub)
        await start(hub, { stopAt: moment })
        const asking = hub.cli('refresh', APP)
        await hub.daemon().reached(moment)
        await untilSilent(spare, hub)
        const taken = await spare.cli('share', 'take-over', 'hub')
        expect(taken, taken.stderr).toMatchObject({ code: 0 })
        await refresh(spare)
        hub.daemon().signal('SIGCONT')
        await asking
        await untilConfirmed(hub)
        await untilServes(hub, spare)
        expectNothingSentTwice()
      },
    )
  }
})

describe('a home that died with a renewal on its disk alone', () => {
  itNeeds(missing)('leaves a copy that is sent once: the answer was lost', async () => {
    await becomeHome(hub)
    await start(hub, { killAt: 'stored' })
    await hub.cli('refresh', APP)
    await hub.daemon().ended
    const spent = world.server.count('refresh_token')
    await untilSilent(spare, hub)
    const taken = await spare.cli('share', 'take-over', 'hub')
    expect(taken, taken.stderr).toMatchObject({ code: 0 })
    // It may have asked by itself by then.
    await spare.cli('refresh', APP)
    const socket = await spare.daemon().socket
    const status = await statusOf(socket, APP)
    expect(status).toMatchObject({
      session: 'signed-out',
      last_error: { error: 'answer_lost' },
    })
    await ask(socket, `/v1/apps/${APP}/refresh`, 'POST', { now: true })
    expect(world.server.count('refresh_token')).toBe(spent + 1)
    const signedIn = await spare.signIn(APP, { person: 'person-of-evo-me' })
    expect(signedIn, signedIn.stderr).toMatchObject({ code: 0 })
    await refresh(spare)
    await restart(hub)
    await untilServes(hub, spare)
    expect(world.server.liveFamilies()).toHaveLength(1)
  })
})
