/** The process is killed, told to stop or held up, at any moment: the real daemon throughout. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { freePort } from '../support/free-port.ts'
import { wholeCalls } from '../attacks/traced-files.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { until } from '../support/until.ts'
import { exchangesWith, holdAnswers, killAtStep } from './kill-at-step.ts'
import { startKillableDaemon } from './killable-daemon.ts'
import { ask, expiredForMs, goodToken, isFresh, signIn, untilStatus } from './owner.ts'
import { isSeeded, leftovers, seededHome } from './seeded-home.ts'
import { MOMENTS } from './steps.ts'

describe.concurrent('killed at a named step of a refresh', () => {
  const AFTER = {
    refreshed: { session: 'active', servesOldToken: false, exchanges: [[0, 'granted']] },
    stored: { session: 'active', servesOldToken: false, exchanges: [[0, 'granted']] },
    lost: {
      session: 'signed-out',
      error: { error: 'answer_lost' },
      servesOldToken: true,
      exchanges: [
        [0, 'granted'],
        [0, 'invalid_grant'],
      ],
    },
  }

  it.each(MOMENTS)('$step: the session is $session', async ({ step, session }) => {
    const aftermath = await killAtStep(step)
    const always = { endedBy: 'SIGKILL', leftovers: [], otherUntouched: true }
    expect(aftermath).toMatchObject({ ...always, ...AFTER[session] })
  })
})

describe.concurrent('killed at a named step of a sign-in', () => {
  it.each([
    ['send', 'the session of before goes on', [[0, 'granted']]],
    [
      'store',
      'the session of before goes on',
      [
        [undefined, 'granted'],
        [0, 'granted'],
      ],
    ],
    ['store written', 'the new session is in its place', [[undefined, 'granted']]],
  ])('%s: %s', async (step, _what, exchanged) => {
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using server = await startAuthorizationServer({ redirectUris: [redirectUri] })
    await using home = await seededHome(server, {
      apps: { me: 'fresh' },
      app: { redirectUris: [redirectUri] },
    })
    await using killed = startKillableDaemon(home, { killAt: step })
    await signIn(await killed.socket, 'me', createPerson('person-of-me')).catch(() => undefined)
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' })

    await using next = startKillableDaemon(home)
    const socket = await next.socket
    await until(
      'a token of the server is served',
      async () => !isSeeded(await goodToken(socket, 'me')),
    )
    await untilStatus(socket, 'me', isFresh)
    expect(exchangesWith(server)).toEqual(exchanged)
  })
})

describe.concurrent('a refresh', () => {
  const STEPS: readonly (readonly [RegExp, string])[] = [
    [/fsync\(.*me\.jwe\.new>\) = 0/, 'file synced'],
    [/fsync\(.*\/vault>\) = 0/, 'directory synced'],
    [/POST \/token/, 'request sent'],
    [/rename.*me\.jwe"\) = 0/, 'renamed'],
    [/\\tstored\\n/, 'served'],
    // Never: a power cut would leave a torn one.
    [/write.*me\.jwe>/, 'record written over'],
  ]

  itNeeds(missingCommands('strace'))(
    'is on the disk, as far as it goes, before the next step is taken',
    async () => {
      await using server = await startAuthorizationServer()
      await using home = await seededHome(server)
      const trace = join(home.directory, 'trace')
      const calls = 'trace=fsync,fdatasync,rename,renameat,renameat2,write,writev'
      await using daemon = startKillableDaemon(home, {
        // As a grandchild, so that the daemon is our child.
        under: ['strace', '-D', '-f', '-y', '-s', '100', '-e', calls, '-o', trace],
      })
      await daemon.reached('stored')
      daemon.signal('SIGTERM')
      expect(await daemon.ended).toMatchObject({ code: 0 })
      const taken = (await wholeCalls(trace)).flatMap(({ call }) => {
        const step = STEPS.find(([looks]) => looks.test(call))
        return step ? [step[1]] : []
      })
      expect(taken).toEqual([
        ...['file synced', 'directory synced', 'request sent'],
        ...['file synced', 'renamed', 'directory synced', 'served'],
      ])
    },
  )
})

describe.concurrent('told to stop in the middle of a refresh', () => {
  it('waits for the answer, stores it and leaves nothing behind', async () => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server)
    await using daemon = startKillableDaemon(home)
    const { rotated, release } = holdAnswers(server)
    await rotated
    daemon.signal('SIGTERM')
    await daemon.logged(({ msg }) => msg === 'stopping')
    // Once more, as those do who are impatient.
    daemon.signal('SIGTERM')
    expect(daemon.steps.map(({ name }) => name)).not.toContain('store')
    release()
    expect(await daemon.ended).toMatchObject({ code: 0, signal: null })
    expect(daemon.steps.slice(-2).map(({ name }) => name)).toEqual(['stored', 'stopped'])
    expect(leftovers(home)).toEqual([])

    await using next = startKillableDaemon(home)
    await untilStatus(await next.socket, 'me', isFresh)
    expect(exchangesWith(server)).toEqual([[0, 'granted']])
  })
})

describe.concurrent('held up (SIGSTOP)', () => {
  it('serves a new token first, when the one it had has ended meanwhile', async () => {
    await using server = await startAuthorizationServer({ accessTokenTtlS: 2 })
    await using home = await seededHome(server, { apps: { me: 'expired' } })
    await using daemon = startKillableDaemon(home)
    const socket = await daemon.socket
    const before = await goodToken(socket, 'me')
    daemon.signal('SIGSTOP')
    const asked = ask(socket, '/v1/apps/me/token')
    await until(
      'the token has expired',
      () => expiredForMs(before),
      (ms) => ms > 0,
    )
    daemon.signal('SIGCONT')
    const { status, body } = await asked
    expect(status).toBe(200)
    expect(expiredForMs(String(body.access_token))).toBeLessThan(0)
    expect(exchangesWith(server)).toEqual([
      [0, 'granted'],
      [1, 'granted'],
    ])
  })

  it('does not serve what an answer brought that lay there for too long', async () => {
    await using server = await startAuthorizationServer({ accessTokenTtlS: 2 })
    await using home = await seededHome(server, { apps: { me: 'expired' } })
    await using daemon = startKillableDaemon(home)
    const { rotated, release } = holdAnswers(server)
    const socket = await daemon.socket
    await rotated
    daemon.signal('SIGSTOP')
    release()
    const asked = ask(socket, '/v1/apps/me/token')
    const answered = String(server.requests[0]?.answer?.body.access_token)
    await until(
      'the token of the answer has expired',
      () => expiredForMs(answered),
      (ms) => ms > 0,
    )
    daemon.signal('SIGCONT')
    const { status, body } = await asked
    if (status === 200) expect(expiredForMs(String(body.access_token))).toBeLessThan(0)
    else expect(body).toMatchObject({ error: 'unavailable' })
    await until(
      'a token is served',
      () => ask(socket, '/v1/apps/me/token'),
      ({ status }) => status === 200,
    )
    await goodToken(socket, 'me')
  })
})
