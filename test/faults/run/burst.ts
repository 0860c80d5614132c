/**
 * Many apps of one issuer that are overdue together, as after a start, a wake or an outage: what a kill
 * costs meanwhile, and how long it is until the last of them is fresh.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../../support/authorization-server.ts'
import type { Home } from '../../support/daemon-process.ts'
import { until } from '../../support/until.ts'
import { startKillableDaemon } from '../killable-daemon.ts'
import { ask, isFresh, type Status } from '../owner.ts'
import { type Seed, seedAll, seededHome } from '../seeded-home.ts'
import { type Chance } from './chance.ts'
import { type Measured, type Run, wrongOf } from './part.ts'
import { type Spread, spreadOf } from './spread.ts'

interface Case {
  readonly apps: number
  /** What the server takes before it spends the token. */
  readonly answerMs: number
  /** Within the burst, and from the start of the process to its end. */
  readonly aimed: number
  readonly random: number
  /** Within which the last app has to be fresh; undefined where nothing is promised. */
  readonly withinMs?: number
}

const CASES: readonly Case[] = [
  { apps: 8, answerMs: 0, aimed: 60, random: 30 },
  { apps: 50, answerMs: 0, aimed: 40, random: 20 },
  { apps: 50, answerMs: 50, aimed: 20, random: 10, withinMs: 10_000 },
]

/** How often a burst is let run to its end, to see how long it takes. */
const UNDISTURBED = 3
/** A process needs about as long from its start to its first request. */
const START_MS = 600
/** At a server that answers at once; where it does not, the time is the server's. */
const MEAN_AT_MOST = 0.3

interface Kills {
  /** Sessions lost by each kill. */
  readonly aimed: readonly number[]
  readonly random: readonly number[]
}

interface Outcome extends Case {
  readonly kills: Kills
  /** From the first request until the last app is fresh. */
  readonly lasted: Spread
}

export async function measureBurst({ chance, share }: Run): Promise<Measured> {
  const outcomes: Outcome[] = []
  for (const one of CASES) {
    const { apps, answerMs } = one
    const plan = { ...one, aimed: share(one.aimed), random: share(one.random) }
    outcomes.push(await measureCase(plan, chance.fork(`${apps} apps, ${answerMs} ms`)))
  }
  const kills = outcomes.flatMap((one) => [...one.kills.aimed, ...one.kills.random])
  const late = outcomes.filter(({ lasted, withinMs = Infinity }) => lasted.max > withinMs)
  const mean = meanOf(
    outcomes
      .filter(({ answerMs }) => answerMs === 0)
      .flatMap((one) => [...one.kills.aimed, ...one.kills.random]),
  )
  const promised = outcomes.find(({ withinMs }) => withinMs !== undefined)
  return {
    outcomes: {
      12: `${kills.length} kills: ${Math.max(...kills)} session lost by one at most, ${mean.toFixed(2)} on average where the server answers at once; ${promised?.apps ?? 0} apps at answers of ${promised?.answerMs ?? 0} ms were fresh within ${inS(promised?.lasted.max ?? 0)} s`,
    },
    section: sectionOf(outcomes),
    wrong: wrongOf({
      'kills that cost more than one session': kills.filter((lost) => lost > 1).length,
      [`kills at a server that answers at once cost more than ${MEAN_AT_MOST} sessions on average`]:
        mean > MEAN_AT_MOST ? 1 : 0,
      'bursts whose last app was fresh too late': late.length,
    }),
  }
}

async function measureCase(plan: Case, chance: Chance): Promise<Outcome> {
  const names = Array.from({ length: plan.apps }, (_, at) => `app-${at}`)
  const overdue = Object.fromEntries(names.map((name): [string, Seed] => [name, 'expired']))
  await using server = await startAuthorizationServer()
  await using home = await seededHome(server, { apps: overdue })
  const requests = delayEach(server, plan.answerMs)
  const lasts: number[] = []
  while (lasts.length < UNDISTURBED) {
    await seedAll(home, server, overdue)
    lasts.push(await letRun(home, names))
  }
  const lasted = spreadOf(lasts)
  await using killer = startKiller()
  const kill = async (from: 'send' | 'start'): Promise<number> => {
    await seedAll(home, server, overdue)
    await using daemon = startKillableDaemon(home)
    if (from === 'send') await daemon.reached('send')
    const length = from === 'send' ? lasted.median : START_MS + lasted.median
    killer.kill(daemon.pid, chance.between(0, length))
    await daemon.ended
    await until('the server has answered every request', () => requests.out === 0)
    return await sessionsLost(home)
  }
  const often = async (times: number, from: 'send' | 'start') => {
    const lost: number[] = []
    while (lost.length < times) lost.push(await kill(from))
    return lost
  }
  const kills = {
    aimed: await often(plan.aimed, 'send'),
    random: await often(plan.random, 'start'),
  }
  return { ...plan, kills, lasted }
}

/** Has each answer take this long, all of it before the server acts; counts the requests that are out. */
function delayEach(server: RunningAuthorizationServer, ms: number) {
  const requests = { out: 0 }
  server.intercept = async (_request, act) => {
    requests.out += 1
    try {
      if (ms > 0) await sleep(ms)
      return await act()
    } finally {
      requests.out -= 1
    }
  }
  return requests
}

/** A thread of its own: the moments at which the server of this one is busy count as well. */
function startKiller() {
  const worker = new Worker(
    `require('node:worker_threads').parentPort.on('message', ({ pid, ms }) => {
      setTimeout(() => process.kill(pid, 'SIGKILL'), ms)
    })`,
    { eval: true },
  )
  return {
    kill(pid: number, ms: number) {
      worker.postMessage({ pid, ms })
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}

/** Milliseconds from the first request until the last app is fresh. */
async function letRun(home: Home, names: readonly string[]): Promise<number> {
  await using daemon = startKillableDaemon(home)
  const [first, last] = await Promise.all([
    daemon.reached('send'),
    daemon.reached('stored', names.length),
  ])
  return last.at - first.at
}

/** How many apps the next start finds signed out. */
async function sessionsLost(home: Home): Promise<number> {
  await using daemon = startKillableDaemon(home)
  const socket = await daemon.socket
  const statuses = await until(
    'every app is fresh or signed out',
    async () => (await ask(socket, '/v1/apps')).body.apps as readonly Status[],
    (apps) => apps.every((status) => status.session === 'signed-out' || isFresh(status)),
  )
  return statuses.filter(({ session }) => session === 'signed-out').length
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function inS(ms: number): string {
  return (ms / 1000).toFixed(1)
}

function sectionOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ apps, answerMs, kills: { aimed, random }, lasted }) => {
    const lost = (list: readonly number[]) =>
      `${list.length}: ${meanOf(list).toFixed(2)} on average, ${Math.max(...list)} at most`
    return `| ${apps} | ${answerMs} ms | ${lost(aimed)} | ${lost(random)} | ${inS(lasted.median)} s, ${inS(lasted.max)} s at most |`
  })
  return `A start, a wake and the end of an outage find every app overdue. What is out at a kill, between the
server spending a token and our disk having its successor, is lost; so as little as possible is out at a time. **The
rule**, per issuer, for requests that spend a refresh token, each from its leaving until its answer is stored:

- one at a time;
- another one may leave when the oldest is older than 2 s, or as many at once as are needed for those
  that wait to have left within 10 s at the answer times seen of late; never more than 8;
- a sign-in waits for none of them; then come apps whose callers wait, then tokens in the order in which they end;
- storing an answer goes before preparing any other request;
- service apps, whose requests spend nothing, are not held to it.

Kill -9, at any moment of the burst (aimed) and at any moment from the start of the process to the end
of the burst (random), at a strict server that takes its time before it spends the token; then the sessions that
the next start finds lost, per kill; and how long a burst takes that nothing disturbs:

| apps | an answer takes | aimed kills | random kills | until the last app is fresh |
|---|---|---|---|---|
${rows.join('\n')}

A server that was asked acts although no process reads its answer any more. So where it takes longer than we do between
two requests, one is out nearly all the time, and a kill finds it; it is one all the same.
`
}
