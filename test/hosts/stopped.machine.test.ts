/**
 * A home that stands still on its way to the authorization server, while another keeper takes over: it
 * goes on with an open connection, or with an answer of the database that was true once, and sends nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { clockFile, noOwnClock } from '../faults/own-clock.ts'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { type HoldingProxy, startHoldingProxy } from './holding-proxy.ts'
import {
  APP,
  type Host,
  type HostsWorld,
  refresh,
  startHostsWorld,
  untilConfirmed,
  untilHomeIs,
  untilServes,
} from './hosts-world.ts'
import { noNetwork } from './network.ts'

const missing = noPostgres()
const HOUR_S = 3_600

/** No gap is long, and each answer holds: what stops the request is nothing but what the test is about. */
const UNLIMITED = { gapMs: 600_000, questionMs: 600_000, questionHoldsMs: 600_000 }

let directory: string
let world: HostsWorld
let proxy: HoldingProxy | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evo-token-stopped-'))
})

afterEach(async () => {
  await proxy?.[Symbol.asyncDispose]()
  proxy = undefined
  if (missing === undefined) await world[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

/** Stops `hub` where it is now, has `spare` take over and renew, and lets `hub` go on. */
async function takeOverMeanwhile(hub: Host, spare: Host, before = async () => {}): Promise<void> {
  hub.daemon().signal('SIGSTOP')
  await before()
  await until(
    'it is taken over',
    () => spare.cli('share', 'take-over', 'hub'),
    ({ code }) => code === 0,
  )
  await refresh(spare)
}

/** Once the request is over: nothing that the keeper which took over has spent was sent. */
async function expectNothingSent(hub: Host, spare: Host, asking: Promise<unknown>): Promise<void> {
  await asking
  await untilConfirmed(hub)
  await untilServes(hub, spare)
  await refresh(spare)
  const generations = world.server.requests.map(({ generation }) => generation)
  expect(new Set(generations).size).toBe(generations.length)
  expect(world.server.liveFamilies()).toHaveLength(1)
}

describe('a home that stands still while it connects', () => {
  for (const moment of ['name', 'tls'] as const) {
    const place = moment === 'name' ? 'before its name is found' : 'in the TLS handshake'
    itNeeds(missing ?? noNetwork())(
      `${place} asks when it goes on, and sends nothing`,
      async () => {
        world = await startHostsWorld({ network: true })
        proxy = await startHoldingProxy(new URL(world.server.issuer))
        const env = { HTTPS_PROXY: proxy.url }
        const hub = await world.keeper('hub', { seed: 'fresh', env })
        const spare = await world.keeper('spare')
        await untilHomeIs(spare, hub)
        await hub.end()
        await hub.start(UNLIMITED)
        await untilConfirmed(hub)

        const held = proxy.hold(moment)
        const asking = hub.cli('refresh', APP)
        await held
        await takeOverMeanwhile(hub, spare)
        proxy.release()
        hub.daemon().signal('SIGCONT')
        await expectNothingSent(hub, spare, asking)
      },
    )
  }
})

describe('a home that stands still between the last question and the first byte', () => {
  /** Until the question of `hub` waits in the database. @returns what lets it be answered. */
  async function holdQuestion(ask: () => void): Promise<() => Promise<void>> {
    const { postgres } = world
    const locking = postgres.sql(
      `BEGIN; LOCK TABLE evo_token.app IN ACCESS EXCLUSIVE MODE;
       SELECT pg_sleep(120); COMMIT`,
    )
    locking.catch(() => undefined)
    const locker = `SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'`
    await until('the rows are locked', async () => (await postgres.sql(locker)).length > 0)
    ask()
    const question = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
      AND query LIKE '%a.move_to FROM%' AND query LIKE '%$2%'`
    await until('the question waits', async () => (await postgres.sql(question)).length > 0)
    return async () => {
      await postgres.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`,
      )
      await until('it is answered', async () => (await postgres.sql(question)).length === 0)
    }
  }

  async function startPair(env: NodeJS.ProcessEnv, sharing: object) {
    // The question waits until it is answered, however long it takes until the home is stopped.
    const roleSettings = { statement_timeout: '0', lock_timeout: '0' }
    world = await startHostsWorld({ roleSettings })
    const hub = await world.keeper('hub', { seed: 'fresh', env })
    const spare = await world.keeper('spare')
    await untilHomeIs(spare, hub)
    await hub.end()
    await hub.start({ ...UNLIMITED, ...sharing })
    await untilConfirmed(hub)
    return { hub, spare }
  }

  itNeeds(missing)(
    'takes the answer for too old by the clock that ran, and asks again',
    async () => {
      const { hub, spare } = await startPair({}, { questionHoldsMs: 1_500 })
      let asking: Promise<unknown> = Promise.resolve()
      const answer = await holdQuestion(() => {
        asking = hub.cli('refresh', APP)
      })
      await takeOverMeanwhile(hub, spare, answer)
      hub.daemon().signal('SIGCONT')
      await expectNothingSent(hub, spare, asking)
    },
  )

  itNeeds(missing ?? noOwnClock())(
    'does so after a sleep that only the wall clock has seen',
    async () => {
      const clock = clockFile(directory)
      const { hub, spare } = await startPair(clock.env, { questionHoldsMs: 1_000 * HOUR_S })
      let asking: Promise<unknown> = Promise.resolve()
      const answer = await holdQuestion(() => {
        asking = hub.cli('refresh', APP)
      })
      await takeOverMeanwhile(hub, spare, answer)
      clock.set(2 * HOUR_S)
      hub.daemon().signal('SIGCONT')
      await expectNothingSent(hub, spare, asking)
    },
  )
})
