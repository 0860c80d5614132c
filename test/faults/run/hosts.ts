/**
 * Several keepers and readers that share sessions, each on a network of its own, in bad weather: kills,
 * stops longer than every limit, pulled cables, a database and an authorization server that fail and
 * hang, clocks that differ, moves, take-overs of keepers that come back. Durations are short.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Host, startHostsWorld } from '../../hosts/hosts-world.ts'
import { noNetwork } from '../../hosts/network.ts'
import { noPostgres } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { clockAhead, noOwnClock } from '../own-clock.ts'
import { ask, isFresh, statusOf, wasExpired } from '../owner.ts'
import { personOf } from '../seeded-home.ts'
import type { Chance } from './chance.ts'
import { CAUSES, SpendingWatch } from './hosts-spending.ts'
import { EVENTS, type Scene, ServerWeather } from './hosts-weather.ts'
import { type Measured, type Run, wrongOf } from './part.ts'

const APPS = Array.from({ length: 30 }, (_, at) => `app-${String(at).padStart(2, '0')}`)
const TOKEN_S = 6
const HOUR_S = 3_600

/** How often the programs of a host ask. */
const ASKING_MS = 30

interface Figures {
  readonly minutes: number
  readonly events: Readonly<Record<string, number>>
  readonly refreshes: number
  readonly causes: ReturnType<SpendingWatch['causes']>
  readonly kept: number
  /** Sessions that ended though no spent token was sent. */
  readonly lostOtherwise: readonly string[]
  readonly asked: number
  readonly served: number
  readonly expired: number
}

export async function measureHosts({ chance, share }: Run): Promise<Measured> {
  const missing = noPostgres() ?? noNetwork() ?? noOwnClock()
  if (missing !== undefined) {
    return { outcomes: {}, section: `Not measured: ${missing}.\n`, wrong: [] }
  }
  const figures = await weatherOnHosts(share(10), chance)
  const { minutes, refreshes, causes, lostOtherwise, served, expired } = figures
  const twice = causes['without cause']
  const died = CAUSES.flatMap((cause) => (cause === 'without cause' ? [] : causes[cause]))
  return {
    outcomes: {
      13: `${minutes} minutes, ${refreshes} refreshes by 3 keepers: ${twice.length} generations spent twice, ${lostOtherwise.length} sessions lost otherwise, ${new Set(died).size} with their home; ${expired} expired tokens among ${served}`,
    },
    section: hostsSection(figures),
    wrong: wrongOf({
      [`generations spent twice on many hosts (${twice.join(', ')})`]: twice.length,
      [`sessions lost on many hosts without a cause (${lostOtherwise.join(', ')})`]:
        lostOtherwise.length,
      'expired tokens served on many hosts': expired,
    }),
  }
}

async function weatherOnHosts(minutes: number, chance: Chance): Promise<Figures> {
  await using world = await startHostsWorld({
    apps: APPS,
    accessTokenTtlS: TOKEN_S,
    network: true,
    // Every stop is longer than these.
    sharing: { gapMs: 4_000, questionMs: 1_000 },
    config: { refresh: { retryMin: '1s', retryMax: '5s' } },
  })
  const ahead = { env: clockAhead(HOUR_S) }
  const first = await world.keeper('one', { seed: 'expired' })
  const keepers = [first, await world.keeper('two', ahead), await world.keeper('three')]
  const server = new ServerWeather(chance.fork('server'))
  const watch = new SpendingWatch(keepers)
  watch.watch(world.server, server.delay)
  await until(
    'everything is published',
    () => first.share(),
    ({ apps }) => apps?.length === APPS.length && apps.every(({ published }) => published === true),
  )
  const readers = [
    await world.reader('reader_a', first),
    await world.reader('reader_b', first, ahead),
    await world.reader('reader_c', first),
  ]
  const scene: Scene = { world, apps: APPS, keepers, readers, watch, server, chance }
  const events: Record<string, number> = {}
  const endsAt = performance.now() + minutes * 60_000
  const asking = [...keepers, ...readers].map((host) => {
    return askAt(host, endsAt, chance.fork(`asker at ${host.name}`))
  })
  // Each of them once before any comes again.
  while (performance.now() < endsAt) {
    for (const event of inAnyOrder(EVENTS, chance)) {
      if (performance.now() >= endsAt) break
      events[event.name] = (events[event.name] ?? 0) + 1
      await event.run(scene)
      await sleep(chance.between(200, 2_000))
    }
  }
  const answers = await Promise.all(asking)
  server.end()
  for (const host of keepers) await bringBack(host)
  await untilSettled(keepers)
  const alive = new Set(world.server.liveFamilies().map(({ login }) => login))
  const causes = watch.causes()
  const explained = new Set(CAUSES.flatMap((cause) => causes[cause]))
  const lost = APPS.filter((app) => !alive.has(personOf(app)))
  const sumOf = (of: (answer: Asked) => number) => answers.reduce((sum, one) => sum + of(one), 0)
  return {
    minutes,
    events,
    refreshes: watch.refreshes,
    causes,
    kept: APPS.length - lost.length,
    lostOtherwise: lost.filter((app) => !explained.has(app)),
    asked: sumOf(({ asked }) => asked),
    served: sumOf(({ served }) => served),
    expired: sumOf(({ expired }) => expired),
  }
}

/** The lot once, in an order of chance. */
function* inAnyOrder<T>(all: readonly T[], chance: Chance): Generator<T> {
  let left = all
  while (left.length > 0) {
    const next = chance.pick(left)
    left = left.filter((one) => one !== next)
    yield next
  }
}

interface Asked {
  readonly asked: number
  readonly served: number
  readonly expired: number
}

/** A program at `host`, until the end: whether what it gets is good. */
async function askAt(host: Host, endsAt: number, chance: Chance): Promise<Asked> {
  let [asked, served, expired] = [0, 0, 0]
  while (performance.now() < endsAt) {
    await sleep(ASKING_MS)
    const askedAt = performance.now()
    const token = await tokenAt(host, chance.pick(APPS))
    const tookMs = performance.now() - askedAt
    asked += 1
    if (token === undefined) continue
    served += 1
    if (wasExpired(token, tookMs)) expired += 1
  }
  return { asked, served, expired }
}

/** Undefined where there is none now, or no daemon. */
async function tokenAt(host: Host, app: string): Promise<string | undefined> {
  try {
    const answer = await ask(await host.daemon().socket, `/v1/apps/${app}/token?wait=0`)
    return answer.status === 200 ? String(answer.body.access_token) : undefined
  } catch {
    return undefined
  }
}

async function bringBack(host: Host): Promise<void> {
  host.daemon().signal('SIGCONT')
  await until(
    `${host.name} is confirmed`,
    () => host.share(),
    ({ confirmed }) => confirmed === true,
  )
}

/** Until every app has a home that has renewed it, or knows that it cannot. */
async function untilSettled(keepers: readonly Host[]): Promise<void> {
  const settled = new Set<string>()
  const look = async () => {
    for (const host of keepers) {
      for (const app of await settledAt(host)) settled.add(app)
    }
    return APPS.filter((app) => !settled.has(app))
  }
  await until('every app is settled', look, (left) => left.length === 0, { limitMs: 120_000 })
}

async function settledAt(host: Host): Promise<readonly string[]> {
  const { apps = [] } = await host.share()
  const socket = await host.daemon().socket
  const own = apps.filter(({ here }) => here).map(({ app }) => app)
  const statuses = await Promise.all(own.map((app) => statusOf(socket, app)))
  return own.filter((_app, at) => {
    const status = statuses[at]
    return status && (isFresh(status) || status.session === 'signed-out')
  })
}

function hostsSection(figures: Figures): string {
  const { causes, events, refreshes, kept, lostOtherwise, asked, served, expired } = figures
  const rows = Object.entries(events).map(([event, count]) => `| ${event} | ${count} |`)
  const counts = CAUSES.map((cause) => `| ${MEANINGS[cause]} | ${causes[cause].length} |`)
  return `${APPS.length} apps with tokens of ${TOKEN_S} s, three keepers and three readers. Each of them, and a real PostgreSQL,
has a network of its own (a namespace of the kernel): a pulled cable loses what is sent, and tells no one. All of it
goes over TLS. The clocks of one keeper and one reader are an hour ahead. Durations of sharing are shortened (a beat
every 0.2 s, silent after 2 s, a gap is 4 s, a database is watched for 0.3 s).

| event | times |
|---|---|
${rows.join('\n')}

${refreshes} refreshes. A refresh token that the server had spent was sent again for these apps:

| because | apps |
|---|---|
${counts.join('\n')}

The first three end a session, and no client can know better: what it has is used once, and the refusal is told as
\`answer_lost\`. ${kept} of ${APPS.length} sessions lived at the end; ${lostOtherwise.length} ended without any of this. Programs at all six hosts
asked ${asked} times and were served ${served} tokens, ${expired} of them expired.
`
}

const MEANINGS = {
  'in the window': 'their home died after it had asked, before it had the answer on its disk',
  'on the way': 'the answer was lost with the cable of their home',
  'not published':
    'their home died with the answer on its disk alone, and a person had another keeper take over',
  'without cause': '**without cause: a newer one was to be had**',
} as const
