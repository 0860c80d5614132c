/**
 * Fifty apps whose tokens live 5 s, callers that ask all the time, and everything that may go wrong
 * going wrong now and then, for twenty minutes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startAuthorizationServer } from '../../support/authorization-server.ts'
import { freePort } from '../../support/free-port.ts'
import { createPerson } from '../../support/person.ts'
import { mountSmallDisk, noSmallDisk, type SmallDisk } from '../../support/small-disk.ts'
import { type KillableDaemon, sharedNow, startKillableDaemon } from '../killable-daemon.ts'
import { ask, signIn, type Status } from '../owner.ts'
import { personOf, seededHome } from '../seeded-home.ts'
import { type CallerTally, startCallers } from './callers.ts'
import type { Chance } from './chance.ts'
import { measure, type Usage } from './usage.ts'
import { createWeather, type Weather } from './weather.ts'

const APPS = Array.from({ length: 50 }, (_, at) => `app-${at}`)
const TOKEN_S = 5
const CALLERS = 20
const LOOK_MS = 1_000
/** Of the whole: before that, caches fill and the engine's heap finds its size. */
const WARM_UP = 0.25

export interface SoakFigures {
  readonly minutes: number
  readonly refreshes: number
  /** How often each fault was dealt out. */
  readonly faults: Readonly<Record<string, number>>
  readonly callers: CallerTally
  /** Sessions that the server ended, because the answer that rotated them was lost on purpose. */
  readonly expectedSignOuts: number
  /** Any other. */
  readonly unexpectedSignOuts: readonly string[]
  readonly usage: Usage
}

export async function soak(minutes: number, chance: Chance): Promise<SoakFigures> {
  const redirectUri = `http://localhost:${await freePort()}/signin-callback`
  await using server = await startAuthorizationServer({
    accessTokenTtlS: TOKEN_S,
    redirectUris: [redirectUri],
  })
  using disk = noSmallDisk() === undefined ? mountSmallDisk(16 * 1024) : undefined
  await using home = await seededHome(server, {
    apps: Object.fromEntries(APPS.map((app) => [app, 'expired'] as const)),
    app: { redirectUris: [redirectUri] },
    config: { refresh: { retryMin: '1s', retryMax: '5s' } },
    ...(disk && { vaultDir: disk.path }),
  })
  await using daemon = startKillableDaemon(home, { heartbeatMs: 1_000 })
  const socket = await daemon.socket
  const listening = await daemon.logged(({ msg }) => msg === 'listening')
  const key = (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()

  const weather = createWeather(chance.fork('weather'))
  server.intercept = weather.intercept
  const url = String(listening.url)
  const callers = startCallers({ url, key, apps: APPS, count: CALLERS }, chance.fork('callers'))
  const machine = trouble(daemon, disk, weather, chance.fork('machine'))
  const usage = measure(daemon.pid)
  const unexpected: string[] = []
  let expected = 0
  let out = new Set<string>()

  const end = sharedNow() + minutes * 60_000
  while (sharedNow() < end) {
    await sleep(LOOK_MS)
    const now = await signedOut(socket)
    for (const { app, last_error: error } of now) {
      if (!out.has(app)) {
        if (error?.error === 'answer_lost' && weather.lostOnPurpose.delete(personOf(app))) {
          expected += 1
        } else {
          unexpected.push(`${app}: ${error?.error ?? 'no reason'}`)
        }
      }
      // While the disk is full, for one, no person can sign in: then it is tried again.
      await signIn(socket, app, createPerson(personOf(app)))
    }
    out = new Set(now.map(({ app }) => app))
  }
  await machine.stop()
  await callers.stop()
  return {
    minutes,
    refreshes: server.requests.filter(({ answer }) => answer?.status === 200).length,
    faults: weather.dealt,
    callers: callers.tally,
    expectedSignOuts: expected,
    unexpectedSignOuts: unexpected,
    usage: usage.stop(WARM_UP),
  }
}

async function signedOut(socket: string): Promise<readonly (Status & { app: string })[]> {
  const { body } = await ask(socket, '/v1/apps')
  return (body.apps as (Status & { app: string })[]).filter(
    ({ session }) => session === 'signed-out',
  )
}

/** What befalls the machine: the process is held up, the disk is full, the server is away. */
function trouble(
  daemon: KillableDaemon,
  disk: SmallDisk | undefined,
  weather: Weather,
  chance: Chance,
) {
  const stopped = new AbortController()
  const wait = (ms: number) => sleep(ms, undefined, { signal: stopped.signal })
  const befall: readonly (readonly [string, () => Promise<void>])[] = [
    [
      'the process stopped for up to 7 s',
      async () => {
        daemon.signal('SIGSTOP')
        await sleep(chance.between(1_000, 7_000))
        daemon.signal('SIGCONT')
      },
    ],
    [
      'the server away for up to 15 s',
      async () => {
        weather.away = true
        await sleep(chance.between(2_000, 15_000))
        weather.away = false
      },
    ],
    ...(disk
      ? [
          [
            'the disk full for up to 10 s',
            async () => {
              disk.fill()
              await sleep(chance.between(2_000, 10_000))
              disk.empty()
            },
          ] as const,
        ]
      : []),
  ]
  const running = (async () => {
    for (;;) {
      await wait(chance.between(5_000, 40_000))
      const [name, happen] = chance.pick(befall)
      weather.dealt[name] = (weather.dealt[name] ?? 0) + 1
      await happen()
    }
  })().catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error
  })
  return {
    async stop() {
      stopped.abort()
      await running
    },
  }
}

export function soakSection(figures: SoakFigures): string {
  const { minutes, refreshes, callers, usage } = figures
  const faults = Object.entries(figures.faults)
    .sort(([, one], [, other]) => other - one)
    .map(([fault, count]) => `| ${fault} | ${count} |`)
    .join('\n')
  const unexpected = figures.unexpectedSignOuts
  return `${minutes} minutes with ${APPS.length} apps whose tokens live ${TOKEN_S} s, ${CALLERS} callers and these faults, at random:

| fault | how often |
|---|---|
${faults}

| what | figure |
|---|---|
| refreshes | ${refreshes} |
| unexpected sign-outs | ${unexpected.length}${unexpected.length > 0 ? ` (${unexpected.join(', ')})` : ''} |
| sign-outs where the answer that rotated was lost on purpose, each told as \`answer_lost\` | ${figures.expectedSignOuts} |
| requests of callers | ${callers.asked} |
| tokens served | ${callers.served} |
| expired tokens served | ${callers.expired} |
| answers without a token | ${Object.entries(callers.refused)
    .map(([error, count]) => `\`${error}\` ${count}`)
    .join(', ')} |
| resident memory at ${(WARM_UP * minutes).toFixed(0)} min, and at the end | ${usage.early.rssMiB.toFixed(0)} MiB, ${usage.late.rssMiB.toFixed(0)} MiB |
| open descriptors at ${(WARM_UP * minutes).toFixed(0)} min, and at the end | ${usage.early.descriptors}, ${usage.late.descriptors} (least and most: ${usage.descriptorRange.join(' and ')}) |
`
}
