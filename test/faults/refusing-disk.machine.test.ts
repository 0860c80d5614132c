/** A disk that refuses to store the answer to a refresh, a kill that follows, and the next start. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { itNeeds } from '../support/needs.ts'
import { mountSmallDisk, noSmallDisk } from '../support/small-disk.ts'
import { type KillableDaemon, startKillableDaemon } from './killable-daemon.ts'
import { ask, goodToken, statusOf, untilStatus } from './owner.ts'
import { isSeeded, recordPath, seededHome } from './seeded-home.ts'

const noFrozenFile = () => {
  const dir = mkdtempSync(join(tmpdir(), 'evo-token-frozen-'))
  const file = join(dir, 'file')
  writeFileSync(file, '')
  const frozen = spawnSync('chattr', ['+i', file]).status === 0
  if (frozen) execFileSync('chattr', ['-i', file])
  rmSync(dir, { recursive: true })
  return frozen ? undefined : 'no file can be made immutable here'
}

/** Nothing can be renamed onto the file, and it can be read. */
function freeze(path: string) {
  execFileSync('chattr', ['+i', path])
  const thaw = () => {
    execFileSync('chattr', ['-i', path])
  }
  return { thaw, [Symbol.dispose]: thaw }
}

function whenAnswered(server: RunningAuthorizationServer, act: () => void): void {
  server.intercept = async (_request, answer) => {
    const answered = await answer()
    act()
    server.intercept = (_next, go) => go()
    return answered
  }
}

async function kill(daemon: KillableDaemon): Promise<void> {
  daemon.signal('SIGKILL')
  await daemon.ended
}

describe.concurrent('a disk that refuses to rename the record of an answer, and a kill', () => {
  itNeeds(noFrozenFile())('costs no session, whether it goes on refusing or not', async () => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server)
    const record = recordPath(home, 'me')
    using frozen = freeze(record)
    // No heartbeat stores it again before the kill.
    await using first = startKillableDaemon(home, { heartbeatMs: 3_600_000 })
    const asked = await ask(await first.socket, '/v1/apps/me/refresh', 'POST', { now: true })
    const token = asked.body.access_token
    expect(asked.status).toBe(200)
    expect(isSeeded(String(token))).toBe(false)
    await kill(first)

    // Still refused: the new record is read under the name that it has, and nothing is spent.
    await using second = startKillableDaemon(home, { heartbeatMs: 50 })
    const socket = await second.socket
    expect(await goodToken(socket, 'me')).toBe(token)
    const refreshed = await ask(socket, '/v1/apps/me/refresh', 'POST', { now: true })
    expect(server.count('refresh_token')).toBe(1)
    expect(refreshed.body).toMatchObject({ access_token: token })
    expect((await statusOf(socket, 'me')).problem).toMatchObject({
      blocking: true,
      message: expect.stringContaining('EPERM') as string,
    })
    await kill(second)

    frozen.thaw()
    await using third = startKillableDaemon(home, { heartbeatMs: 50 })
    expect(await goodToken(await third.socket, 'me')).toBe(token)
    expect(await ask(await third.socket, '/v1/apps/me/refresh', 'POST')).toMatchObject({
      status: 200,
    })
    expect(await goodToken(await third.socket, 'me')).not.toBe(token)
    expect(server.liveFamilies()).toHaveLength(1)
  })
})

describe.concurrent('a disk that becomes read-only before the answer, and a kill', () => {
  itNeeds(noSmallDisk())('costs the session, and that is what is told', async () => {
    using disk = mountSmallDisk()
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server, { vaultDir: disk.path })
    whenAnswered(server, () => {
      disk.makeReadOnly(true)
    })
    await using first = startKillableDaemon(home, { heartbeatMs: 50 })
    await first.reached('stored')
    expect((await statusOf(await first.socket, 'me')).problem).toMatchObject({
      blocking: true,
      message: expect.stringContaining('a restart would end its session') as string,
    })
    await kill(first)

    // Nothing may be spent while the answer could not be stored either.
    await using second = startKillableDaemon(home, { heartbeatMs: 50 })
    const socket = await second.socket
    await untilStatus(socket, 'me', ({ problem }) => problem?.error === 'unavailable')
    expect(server.count('refresh_token')).toBe(1)

    disk.makeReadOnly(false)
    const lost = await untilStatus(socket, 'me', ({ session }) => session === 'signed-out')
    expect(lost.last_error).toMatchObject({ error: 'answer_lost' })
    expect(server.count('refresh_token')).toBe(2)
  })
})
