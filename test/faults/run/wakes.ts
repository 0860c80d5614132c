/** The process is held up for longer than its token lives, and its wall clock is set, again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { startAuthorizationServer } from '../../support/authorization-server.ts'
import { runCli } from '../../support/daemon-process.ts'
import { holdAnswers } from '../kill-at-step.ts'
import { sharedNow, startKillableDaemon } from '../killable-daemon.ts'
import { ask, expiredForMs, isFresh, untilStatus } from '../owner.ts'
import { seededHome } from '../seeded-home.ts'
import { pipelineApp, startOnOwnClock } from '../own-clock.ts'
import type { Chance } from './chance.ts'

const TOKEN_S = 3
const REISSUE_S = 2
const HOUR_S = 3_600
const HOLD_UP_MS = [301_000, 305_000] as const
const APPS = ['me', 'pipeline'] as const

export interface WakeFigures {
  readonly stops: number
  readonly jumps: number
  readonly served: number
  readonly expired: number
  readonly refused: number
  readonly signOuts: number
  readonly requests: number
  /** What the tokens' lives, the cron line and one more per event allow. */
  readonly bound: number
  readonly seconds: number
}

export async function wakeOften(
  plan: { readonly stops: number; readonly jumps: number },
  chance: Chance,
): Promise<WakeFigures> {
  await using server = await startAuthorizationServer({ accessTokenTtlS: TOKEN_S })
  await using home = await seededHome(server, {
    apps: { me: 'expired' },
    others: { pipeline: pipelineApp(server, REISSUE_S) },
  })
  await using daemon = startOnOwnClock(home)
  const socket = await daemon.socket
  await runCli(home, ['secret', 'pipeline'], { input: server.clients.service.clientSecret })
  for (const app of APPS) await untilStatus(socket, app, isFresh)

  let [served, expired, refused, signOuts] = [0, 0, 0, 0]
  const get = async () => {
    for (const app of APPS) {
      const { status, body } = await ask(socket, `/v1/apps/${app}/token`)
      if (status === 200) {
        served += 1
        if (expiredForMs(String(body.access_token)) >= 0) expired += 1
      } else if (body.error === 'login_required') signOuts += 1
      else refused += 1
    }
  }
  const before = server.requests.length
  const since = sharedNow()
  for (let stop = 0; stop < plan.stops; stop++) {
    daemon.signal('SIGSTOP')
    await sleep(TOKEN_S * 1000 + chance.between(500, 2_000))
    // Asked while it cannot hear: the first thing that it sees.
    const first = get()
    daemon.signal('SIGCONT')
    await first
  }
  for (let jump = 0; jump < plan.jumps; jump++) {
    daemon.set(Math.round(chance.between(-HOUR_S, HOUR_S)))
    const until = sharedNow() + chance.between(500, 4_000)
    while (sharedNow() < until) {
      await get()
      await sleep(50)
    }
  }
  const seconds = (sharedNow() - since) / 1000
  const staleAfterS = TOKEN_S * 0.75
  return {
    ...plan,
    served,
    expired,
    refused,
    signOuts,
    seconds,
    requests: server.requests.length - before,
    bound: Math.ceil(
      (APPS.length * seconds) / staleAfterS +
        seconds / REISSUE_S +
        APPS.length * (plan.stops + plan.jumps),
    ),
  }
}

export interface HoldUpFigures {
  readonly holdUps: number
  readonly lost: number
  readonly expired: number
}

/**
 * Stopped while a request is under way, for longer than a request may take and a token lives. The
 * answer comes meanwhile, and waits to be read.
 */
export async function holdUpRequests(count: number, chance: Chance): Promise<HoldUpFigures> {
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, at) => holdUpRequest(chance.fork(`hold-up ${at}`))),
  )
  return {
    holdUps: count,
    lost: outcomes.filter(({ lost }) => lost).length,
    expired: outcomes.filter(({ expired }) => expired).length,
  }
}

async function holdUpRequest(chance: Chance): Promise<{ lost: boolean; expired: boolean }> {
  await using server = await startAuthorizationServer({ accessTokenTtlS: 30 })
  await using home = await seededHome(server, { apps: { me: 'expired' } })
  await using daemon = startKillableDaemon(home)
  const { rotated, release } = holdAnswers(server)
  const socket = await daemon.socket
  await rotated
  await sleep(chance.between(0, 500))
  daemon.signal('SIGSTOP')
  release()
  await sleep(chance.between(...HOLD_UP_MS))
  const first = ask(socket, '/v1/apps/me/token')
  daemon.signal('SIGCONT')
  const { status, body } = await first
  const { session } = await untilStatus(socket, 'me', (seen) => {
    return seen.session === 'signed-out' || isFresh(seen)
  })
  return {
    lost: session === 'signed-out',
    expired: status === 200 && expiredForMs(String(body.access_token)) >= 0,
  }
}

export function holdUpsSection({ holdUps, lost, expired }: HoldUpFigures): string {
  return `${holdUps} daemons were stopped in the middle of a request, for longer than a request may take (5 min) and than
the new token lives; the answer came meanwhile. Sessions lost: ${lost}. Expired tokens served: ${expired}.
`
}

export function wakesSection(figures: WakeFigures): string {
  const { stops, jumps, seconds, requests, bound, served } = figures
  return `One daemon with a native app and a service app (\`reissue\` every ${REISSUE_S} s), tokens that live ${TOKEN_S} s, was
stopped (SIGSTOP) ${stops} times for longer than that, and its wall clock was set ${jumps} times to anything between
an hour back and an hour forward, within ${seconds.toFixed(0)} s. Callers were served ${served} tokens.

| what | how often |
|---|---|
| an expired token served | ${figures.expired} |
| a request refused | ${figures.refused} |
| a sign-in asked for | ${figures.signOuts} |
| token requests | ${requests}; the tokens' lives, the cron line and one more of each app per event allow ${bound} |
`
}
