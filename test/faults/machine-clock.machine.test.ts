/** The wall clock is set, and the machine sleeps: libfaketime moves the clock of the real daemon. */
import { describe, expect } from 'vitest'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { runCli, startDaemonProcess } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { sharedNow } from './killable-daemon.ts'
import { clockAhead, noOwnClock, pipelineApp, startOnOwnClock } from './own-clock.ts'
import { ask, expiredForMs, goodToken, isFresh, statusOf, untilStatus } from './owner.ts'
import { seededHome } from './seeded-home.ts'

const itWithFakeTime = itNeeds(noOwnClock())

const TOKEN_S = 2
const REISSUE_S = 1
/** A token is stale when a quarter of its life is left, less a tenth of that quarter. */
const REFRESH_MS = TOKEN_S * 1000 * 0.75

/** The tokens of `me` live for seconds; those of `pipeline` for an hour, but it has a cron line. */
interface Servers {
  readonly me: RunningAuthorizationServer
  readonly pipeline: RunningAuthorizationServer
}

function counts({ me, pipeline }: Servers) {
  return { me: me.requests.length, pipeline: pipeline.requests.length }
}

/** Waits for three more requests of each app; every token that is served meanwhile has to be good. */
async function watchRenewals(servers: Servers, socket: string) {
  const [before, since] = [counts(servers), sharedNow()]
  await until(
    'each app was renewed three times',
    async () => {
      await goodToken(socket, 'me')
      await goodToken(socket, 'pipeline')
      return counts(servers)
    },
    ({ me, pipeline }) => me >= before.me + 3 && pipeline >= before.pipeline + 3,
  )
  const after = counts(servers)
  return {
    elapsedMs: sharedNow() - since,
    me: after.me - before.me,
    pipeline: after.pipeline - before.pipeline,
  }
}

describe.concurrent('a wall clock that is set', () => {
  for (const [word, offsetS] of [
    ['back', -3600],
    ['forward', 3600],
  ] as const) {
    itWithFakeTime(`${word} by an hour stops nothing, and sets off no storm`, async () => {
      await using me = await startAuthorizationServer({ accessTokenTtlS: TOKEN_S })
      await using pipeline = await startAuthorizationServer()
      await using home = await seededHome(me, {
        apps: { me: 'expired' },
        others: { pipeline: pipelineApp(pipeline, REISSUE_S) },
      })
      await using daemon = startOnOwnClock(home)
      const socket = await daemon.socket
      await runCli(home, ['secret', 'pipeline'], { input: pipeline.clients.service.clientSecret })
      await untilStatus(socket, 'me', isFresh)
      await untilStatus(socket, 'pipeline', isFresh)

      daemon.set(offsetS)
      const clocks = offsetS < 0 ? 'set-back' : 'jumped'
      const seen = watchRenewals({ me, pipeline }, socket)
      await daemon.logged((line) => line.clocks === clocks)
      const { elapsedMs, ...asked } = await seen
      // As often as the token's life and the cron line ask for; a jump may ask once more of each.
      expect(asked.me).toBeLessThanOrEqual(elapsedMs / REFRESH_MS + 2)
      expect(asked.pipeline).toBeLessThanOrEqual(elapsedMs / (REISSUE_S * 1000) + 2)
      const requests = [...me.requests, ...pipeline.requests]
      await until(
        'the last request has its answer',
        () => requests.map(({ answer }) => answer?.status),
        (statuses) => !statuses.includes(undefined),
      )
      for (const { answer } of requests) expect(answer?.status).toBe(200)
      expect(await statusOf(socket, 'me')).toMatchObject({ session: 'active', last_error: null })
    })
  }

  itWithFakeTime(
    'forward, or slept through, leaves no token good that ended meanwhile',
    async () => {
      await using server = await startAuthorizationServer()
      await using home = await seededHome(server)
      await using daemon = startOnOwnClock(home)
      const socket = await daemon.socket
      await untilStatus(socket, 'me', isFresh)
      const before = await goodToken(socket, 'me')
      daemon.set(3600)
      expect(await goodToken(socket, 'me')).not.toBe(before)
      expect(server.requests.length).toBe(2)
    },
  )

  itWithFakeTime(
    'back while no daemon runs leaves no token good that ended meanwhile',
    async () => {
      await using server = await startAuthorizationServer({ accessTokenTtlS: TOKEN_S })
      await using home = await seededHome(server)
      let token: string
      {
        await using daemon = await startDaemonProcess(home)
        await untilStatus(daemon.socket, 'me', isFresh)
        server.intercept = async () => ({ status: 503, body: {} })
        token = await goodToken(daemon.socket, 'me')
        await daemon.stop()
      }
      await until('it has ended', () => expiredForMs(token) > 0)
      await using daemon = await startDaemonProcess(home, { env: clockAhead(-3600) })
      expect(await ask(daemon.socket, '/v1/apps/me/token?wait=0')).toMatchObject({ status: 503 })
      expect((await statusOf(daemon.socket, 'me')).freshness).toBe('expired')
    },
  )

  itWithFakeTime('forward, or slept through, ends the waiting of a back-off', async () => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server, {
      config: { refresh: { retryMin: '10m', retryMax: '1h' } },
    })
    server.intercept = async () => ({ status: 503, body: {} })
    await using daemon = startOnOwnClock(home)
    const socket = await daemon.socket
    await untilStatus(socket, 'me', ({ session }) => session === 'retrying')
    server.intercept = (_request, act) => act()

    daemon.set(300)
    await untilStatus(socket, 'me', isFresh)
    expect(server.requests.length).toBe(2)
  })
})
