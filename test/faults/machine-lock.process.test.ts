/** Of the daemons of one state directory exactly one runs, however they are started and ended. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { type Home, runCli } from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { type KillableDaemon, startKillableDaemon } from './killable-daemon.ts'
import { goodToken } from './owner.ts'
import { seededHome } from './seeded-home.ts'

const TOGETHER = 4

/** Starts several at the same instant, and waits until all but one have ended. */
async function startTogether(home: Home) {
  const started = Array.from({ length: TOGETHER }, () => startKillableDaemon(home, { serve: true }))
  const outcomes = await Promise.all(
    started.map(async (daemon) => {
      const runs = daemon.socket.then(
        () => true,
        () => false,
      )
      return { daemon, runs: await runs }
    }),
  )
  const running = outcomes.filter(({ runs }) => runs).map(({ daemon }) => daemon)
  const refused = outcomes.filter(({ runs }) => !runs).map(({ daemon }) => daemon)
  return { running, refused: await Promise.all(refused.map(({ ended }) => ended)) }
}

async function expectOneOf(home: Home): Promise<KillableDaemon> {
  const { running, refused } = await startTogether(home)
  const [winner, ...others] = running
  if (!winner || others.length > 0) throw new Error(`${running.length} daemons run`)
  for (const { stderr } of refused) expect(stderr).toContain(`pid ${winner.pid}`)
  return winner
}

describe.concurrent('started at the same instant', () => {
  it('exactly one runs, and the others name it', async () => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    await using winner = await expectOneOf(home)
    winner.signal('SIGKILL')
    await winner.ended
    await using second = await expectOneOf(home)
    expect(second.pid).not.toBe(winner.pid)
  })
})

describe.concurrent('beside one that runs', () => {
  it.each([
    ['and answers', 'SIGCONT'],
    ['and is stopped', 'SIGSTOP'],
  ] as const)('%s, a second one is refused and names it', async (_what, signal) => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    await using first = startKillableDaemon(home, { serve: true })
    await first.socket
    first.signal(signal)
    expect(await runCli(home, ['serve'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`pid ${first.pid}`) as string,
    })
    first.signal('SIGCONT')
    expect(await goodToken(await first.socket, 'me'))
  })
})

describe.concurrent('after a kill -9', () => {
  it('the next one starts at once', async () => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server)
    await using first = startKillableDaemon(home, { serve: true })
    await first.socket
    first.signal('SIGKILL')
    await first.ended
    await using next = startKillableDaemon(home, { serve: true })
    await goodToken(await next.socket, 'me')
  })

  it('the next one says who may hold its port, and starts when that is free again', async () => {
    const port = await freePort()
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server, { config: { listen: { port } } })
    await using first = startKillableDaemon(home, { serve: true })
    await first.socket
    first.signal('SIGKILL')
    await first.ended
    const squatter = await squatOn(port)
    const refused = await runCli(home, ['serve'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`Port ${port} of 127.0.0.1 is taken`)
    expect(refused.stderr).toContain('"listen"')
    squatter.close()
    await once(squatter, 'close')
    await using next = startKillableDaemon(home, { serve: true })
    await goodToken(await next.socket, 'me')
  })
})

async function squatOn(port: number): Promise<Server> {
  const squatter = createServer()
  squatter.listen(port, '127.0.0.1')
  await once(squatter, 'listening')
  return squatter
}
