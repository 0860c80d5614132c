/** How long a new token takes to the other hosts, with notifications and by looking alone; and what sharing asks of the database. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SHARING_POLICY } from '../src/core/sharing/policy.ts'
import { ask } from '../test/faults/owner.ts'
import {
  APP,
  type Host,
  type HostsWorld,
  startHostsWorld,
  untilHomeIs,
} from '../test/hosts/hosts-world.ts'
import { noPgbouncer, startPgbouncer } from '../test/hosts/pgbouncer.ts'
import { noPostgres } from '../test/support/postgres.ts'
import { until } from '../test/support/until.ts'
import { aim, median, milliseconds } from './figures.ts'

const ROUNDS = 100
const REST_MS = 10_000
/** As they are, but that a database is believed soon. */
const POLICY = { ...SHARING_POLICY, watchMs: 500 }

export async function benchHosts(): Promise<void> {
  const missing = noPostgres() ?? noPgbouncer()
  if (missing !== undefined) {
    console.log(`many hosts: not measured (${missing})`)
    return
  }
  await using world = await startHostsWorld({ sharing: POLICY })
  const hub = await world.keeper('hub')
  await hub.signIn()
  await untilHomeIs(hub, hub)
  const node = await world.reader('node', hub)
  await until(
    'the reader has a token',
    () => node.token(),
    (token) => token.startsWith('eyJ'),
  )
  console.log(`a new token at another host, ${ROUNDS} rounds:`)
  report('with notifications', await rounds(hub, node), 250)
  const perSecond = await statements(world)
  console.log(`  a keeper and a reader at rest ask ${perSecond.toFixed(1)} statements a second`)
  await using bouncer = await startPgbouncer(world.postgres)
  for (const host of [hub, node]) await host.useDatabases([bouncer.host])
  report('by looking alone', await rounds(hub, node), 1_500)
}

function report(how: string, tookMs: readonly number[], atMost: number): void {
  const p99 = [...tookMs].sort((one, other) => one - other).at(-1 - Math.floor(ROUNDS / 100)) ?? NaN
  console.log(`  ${how}: median ${milliseconds(median(tookMs)).trim()}`)
  aim(`p99 ${how}`, p99, { atMost, unit: ' ms' })
}

/** From the home's answer with a new token until the other host serves it. */
async function rounds(hub: Host, node: Host): Promise<number[]> {
  const [home, other] = [await hub.daemon().socket, await node.daemon().socket]
  const tokenAt = async (socket: string) =>
    (await ask(socket, `/v1/apps/${APP}/token?wait=0`)).body.access_token
  const tookMs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { body } = await ask(home, `/v1/apps/${APP}/refresh`, 'POST', { now: true })
    const startedAt = performance.now()
    while ((await tokenAt(other)) !== body.access_token) await sleep(1)
    tookMs.push(performance.now() - startedAt)
  }
  return tookMs
}

async function statements({ postgres }: HostsWorld): Promise<number> {
  const count = async () => {
    const [row] = await postgres.sql(
      'SELECT xact_commit::float8 AS count FROM pg_stat_database WHERE datname = current_database()',
    )
    return Number(row?.count)
  }
  const before = await count()
  await sleep(REST_MS)
  return ((await count()) - before) / (REST_MS / 1_000)
}
