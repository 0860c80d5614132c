/**
 * Several keepers and readers that share sessions, in bad weather: kills, stops longer than every limit,
 * a database that is killed and hangs, moves, take-overs of keepers that come back. Durations are short.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Host, type HostsWorld, startHostsWorld } from '../../hosts/hosts-world.ts'
import { noPostgres } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import type { Chance } from './chance.ts'
import { type Measured, type Run, wrongOf } from './part.ts'

const APPS = Array.from({ length: 30 }, (_, at) => `app-${String(at).padStart(2, '0')}`)
const TOKEN_S = 6

interface Figures {
  readonly minutes: number
  readonly events: Readonly<Record<string, number>>
  readonly refreshes: number
  /** Refresh tokens that were sent again although the server had answered the first request. */
  readonly spentTwice: number
  readonly kept: number
  /** Sessions that ended where a home died between the server's answer and its disk. */
  readonly lostInWindow: number
  readonly lostElsewhere: number
  readonly served: number
  readonly expired: number
}

export async function measureHosts({ chance, share }: Run): Promise<Measured> {
  const missing = noPostgres()
  if (missing !== undefined) {
    return { outcomes: {}, section: `Not measured: ${missing}.\n`, wrong: [] }
  }
  const figures = await weatherOnHosts(share(10), chance)
  const { spentTwice, lostElsewhere, expired } = figures
  return {
    outcomes: {
      13: `${figures.minutes} minutes, ${figures.refreshes} refreshes by 3 keepers: ${spentTwice} generations spent twice, ${lostElsewhere} sessions lost elsewhere, ${figures.lostInWindow} in the window; ${expired} expired tokens among ${figures.served}`,
    },
    section: hostsSection(figures),
    wrong: wrongOf({
      'generations spent twice on many hosts': spentTwice,
      'sessions lost on many hosts outside of the window': lostElsewhere,
      'expired tokens served on many hosts': expired,
    }),
  }
}

async function weatherOnHosts(minutes: number, chance: Chance): Promise<Figures> {
  await using world = await startHostsWorld({ apps: APPS, accessTokenTtlS: TOKEN_S })
  const keepers: Host[] = []
  for (const name of ['one', 'two', 'three']) keepers.push(await world.keeper(name))
  const [first] = keepers
  if (!first) throw new Error('no keeper')
  for (const app of APPS) await first.signIn(app)
  await until(
    'everything is published',
    () => first.share(),
    ({ apps }) => apps?.every(({ published }) => published === true) === true,
  )
  const readers: Host[] = []
  for (const name of ['reader_a', 'reader_b', 'reader_c']) {
    readers.push(await world.reader(name, first))
  }
  const sent = watchSpending(world)
  const events: Record<string, number> = {}
  const endsAt = performance.now() + minutes * 60_000
  const asking = ask([...keepers, ...readers], endsAt, chance.fork('askers'))
  while (performance.now() < endsAt) {
    const event = chance.pick(EVENTS)
    events[event.name] = (events[event.name] ?? 0) + 1
    await event.run(world, keepers, chance)
    await sleep(chance.between(200, 2_000))
  }
  const { served, expired } = await asking
  for (const host of keepers) await bringBack(host)
  const alive = world.server.liveFamilies().length
  return {
    minutes,
    events,
    refreshes: sent.refreshes,
    spentTwice: sent.twice(),
    kept: alive,
    lostInWindow: sent.killedInWindow(),
    lostElsewhere: Math.max(0, APPS.length - alive - sent.killedInWindow()),
    served,
    expired,
  }
}

/** Notes each refresh token that the server acted on, and how its answer fared. */
function watchSpending(world: HostsWorld) {
  const spent = new Map<string, number>()
  let refreshes = 0
  let reused = 0
  world.server.intercept = async (request, act) => {
    const token = request.form.get('refresh_token')
    if (token === null) return act()
    const before = spent.get(token) ?? 0
    spent.set(token, before + 1)
    const answer = await act()
    refreshes += 1
    if (before > 0 && answer.status >= 400) reused += 1
    return answer
  }
  return {
    get refreshes() {
      return refreshes
    },
    /** One that was marked and not answered may be sent once more: that is counted as the window. */
    twice: () => [...spent.values()].filter((count) => count > 2).length,
    killedInWindow: () => reused,
  }
}

interface WeatherEvent {
  readonly name: string
  readonly run: (world: HostsWorld, keepers: readonly Host[], chance: Chance) => Promise<void>
}

const EVENTS: readonly WeatherEvent[] = [
  {
    name: 'kill -9 of a keeper',
    async run(_world, keepers, chance) {
      const host = chance.pick(keepers)
      await host.end('SIGKILL')
      await sleep(chance.between(0, 1_000))
      await host.start()
    },
  },
  {
    name: 'SIGSTOP of a keeper, longer than every limit',
    async run(_world, keepers, chance) {
      const host = chance.pick(keepers)
      host.daemon().signal('SIGSTOP')
      await sleep(chance.between(4_500, 7_000))
      host.daemon().signal('SIGCONT')
    },
  },
  {
    name: 'the database killed and started',
    async run({ postgres }, _keepers, chance) {
      await postgres.stop('immediate')
      await sleep(chance.between(0, 2_000))
      await postgres.start()
    },
  },
  {
    name: 'the database hangs',
    async run({ postgres }, _keepers, chance) {
      postgres.signal('SIGSTOP')
      await sleep(chance.between(500, 3_000))
      postgres.signal('SIGCONT')
    },
  },
  {
    name: 'move of an app',
    async run(_world, keepers, chance) {
      await chance.pick(keepers).cli('share', 'move', chance.pick(APPS))
    },
  },
  {
    name: 'take-over of a dead keeper, which comes back',
    async run(_world, keepers, chance) {
      const gone = chance.pick(keepers)
      const taker = chance.pick(keepers.filter((host) => host !== gone))
      await gone.end('SIGKILL')
      await sleep(2_500)
      await taker.cli('share', 'take-over', gone.name)
      await gone.start()
    },
  },
]

/** Programs at every host, until the end: whether what they get is good. */
async function ask(hosts: readonly Host[], endsAt: number, chance: Chance) {
  let served = 0
  let expired = 0
  while (performance.now() < endsAt) {
    const app = chance.pick(APPS)
    const { code, stdout } = await chance.pick(hosts).cli('get', app)
    if (code !== 0) continue
    served += 1
    if (endOf(stdout.trim()) < Date.now() - 1_000) expired += 1
  }
  return { served, expired }
}

/** In epoch milliseconds, from the token itself. */
function endOf(token: string): number {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return (JSON.parse(payload) as { exp: number }).exp * 1_000
}

async function bringBack(host: Host): Promise<void> {
  host.daemon().signal('SIGCONT')
  await until(
    `${host.name} is confirmed`,
    () => host.share(),
    ({ confirmed }) => confirmed === true,
  )
}

function hostsSection(figures: Figures): string {
  const rows = Object.entries(figures.events).map(([event, count]) => `| ${event} | ${count} |`)
  return `${APPS.length} apps with tokens of ${TOKEN_S} s, three keepers and three readers on one machine, a real PostgreSQL; durations of
sharing are shortened (a beat every 0.2 s, silent after 2 s, a gap is 4 s, a database is watched for 0.3 s).

| event | times |
|---|---|
${rows.join('\n')}

${figures.refreshes} refreshes. ${figures.kept} of ${APPS.length} sessions lived at the end; ${figures.lostInWindow} ended because their home died between the
server's answer and its disk, which the next home tells as \`answer_lost\`; ${figures.lostElsewhere} ended otherwise.
Programs at all six hosts were served ${figures.served} tokens, ${figures.expired} of them expired.
`
}
