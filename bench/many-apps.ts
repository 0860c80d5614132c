/** What very many shared apps ask of the database: at rest, and while all of them are renewed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SHARING_POLICY } from '../src/core/sharing/policy.ts'
import { ask } from '../test/faults/owner.ts'
import { type HostsWorld, startHostsWorld } from '../test/hosts/hosts-world.ts'
import { noPostgres } from '../test/support/postgres.ts'
import { until } from '../test/support/until.ts'

const APPS = Number(process.env.EVO_TOKEN_BENCH_APPS ?? '10000')
/** `share reader-key` makes so many at once. */
const READ_MAX = 100
const REST_MS = 20_000
const RENEWAL_MS = 60_000
const AT_ONCE = 32
const TEN_MINUTES_MS = 600_000
/** As they are, but that a database is believed soon. */
const SHARING = { ...SHARING_POLICY, watchMs: 500 }

export async function benchManyApps(): Promise<void> {
  const missing = noPostgres()
  if (missing !== undefined) {
    console.log(`many shared apps: not measured (${missing})`)
    return
  }
  const apps = Array.from({ length: APPS }, (_, at) => `app-${at + 1}`)
  await using world = await startHostsWorld({ apps, sharing: SHARING })
  const keeper = await world.keeper('one', { seed: 'fresh' })
  const first = await statementsOf(world, () => untilPublished(world))
  for (const name of ['two', 'three']) await world.keeper(name)
  const read = { apps: apps.slice(0, READ_MAX) }
  const reader = await world.reader('reader', keeper, read)
  await world.postgres.sql('ALTER ROLE evo_reader CONNECTION LIMIT 100')
  for (const name of ['other', 'third', 'fourth']) {
    await world.reader(name, keeper, { ...read, like: reader })
  }
  await sleep(REST_MS)
  const connections = await world.postgres.sql(
    `SELECT usename, count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'evo-token' GROUP BY 1`,
  )
  const shown = connections.map(({ usename, count }) => `${String(usename)} ${String(count)}`)
  console.log(`${APPS} shared apps, 3 keepers, 4 readers (connections: ${shown.join(', ')}):`)
  console.log(
    `  published for the first time within ${first.seconds.toFixed(1)} s of the confirmation, ${(first.count / APPS).toFixed(1)} statements for each`,
  )

  const rest = await statementsOf(world, () => sleep(REST_MS))
  console.log(`  at rest ${rest.perSecond.toFixed(1)} statements a second`)
  const socket = await keeper.daemon().socket
  const before = world.server.count('refresh_token')
  const renewal = await statementsOf(world, () => renewAll(socket, apps))
  const renewals = world.server.count('refresh_token') - before
  console.log(
    `  at ${(renewals / renewal.seconds).toFixed(0)} renewals a second ${renewal.perSecond.toFixed(0)} statements a second, ${(renewal.count / renewals).toFixed(1)} for each renewal`,
  )
}

async function untilPublished({ postgres }: HostsWorld): Promise<void> {
  await until(
    'everything is published',
    () => postgres.sql('SELECT count(*)::int AS count FROM evo_token.app'),
    ([row]) => row?.count === APPS,
    { limitMs: TEN_MINUTES_MS },
  )
}

/** As fast as it goes, for a while. */
async function renewAll(socket: string, apps: readonly string[]): Promise<void> {
  const left = [...apps]
  const endsAt = performance.now() + RENEWAL_MS
  async function renew(): Promise<void> {
    for (let app = left.pop(); app !== undefined; app = left.pop()) {
      if (performance.now() >= endsAt) return
      await ask(socket, `/v1/apps/${app}/refresh`, 'POST', { now: true })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, renew))
}

/** One statement is one transaction: evo-token has no other kind. */
async function statementsOf({ postgres }: HostsWorld, work: () => Promise<void>) {
  const read = async () => {
    const [row] = await postgres.sql(
      `SELECT xact_commit::float8 AS count FROM pg_stat_database WHERE datname = current_database()`,
    )
    return Number(row?.count)
  }
  const [before, startedAt] = [await read(), performance.now()]
  await work()
  const seconds = (performance.now() - startedAt) / 1_000
  // The counters are written once a second.
  await sleep(1_500)
  const count = (await read()) - before
  return { count, seconds, perSecond: count / seconds }
}
