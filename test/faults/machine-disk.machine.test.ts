/** What may happen to the vault's files, to the disk below them and to the key that opens them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { createHome, runCli } from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { KEYRING_COMMANDS, startKeyring } from '../support/keyring.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { mountSmallDisk, noSmallDisk } from '../support/small-disk.ts'
import { until } from '../support/until.ts'
import { startKillableDaemon } from './killable-daemon.ts'
import { lockOut, MISFITS } from './misfits.ts'
import { ask, goodToken, isFresh, signIn, statusOf, untilStatus } from './owner.ts'
import { nativeApp, recordPath, seededHome, vaultFiles } from './seeded-home.ts'

describe.concurrent('a keychain that is locked at the start', () => {
  const missing =
    process.platform === 'linux' ? missingCommands(...KEYRING_COMMANDS) : 'needs a Secret Service'

  itNeeds(missing)('keeps the vault locked, and opens it when it is unlocked', async () => {
    await using keyring = await startKeyring()
    const { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR } = keyring.env
    const env = { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR }
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using server = await startAuthorizationServer({ redirectUris: [redirectUri] })
    await using home = await createHome({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'keychain' },
      apps: { me: { ...nativeApp(server), redirectUris: [redirectUri] } },
    })
    await using first = startKillableDaemon(home, { env })
    expect(await signIn(await first.socket, 'me', createPerson('ada'))).toBe(200)
    const token = await goodToken(await first.socket, 'me')
    first.signal('SIGKILL')
    await first.ended
    await keyring.lock()
    const before = vaultFiles(home)

    await using daemon = startKillableDaemon(home, { env, heartbeatMs: 50 })
    const socket = await daemon.socket
    expect(await ask(socket, '/v1/apps/me/token')).toMatchObject({
      status: 503,
      body: { error: 'vault_locked', detail: 'The keychain is locked.' },
    })
    await keyring.unlock()
    await until(
      'the app is ready',
      () => ask(socket, '/readyz/me'),
      ({ status }) => status === 200,
    )
    expect(await goodToken(socket, 'me')).toBe(token)
    expect(vaultFiles(home)).toEqual(before)
  })
})

const noDisk = noSmallDisk()

describe.concurrent('a disk that fails under the running daemon', () => {
  itNeeds(noDisk)(
    'full: nothing is asked, the token is served, and all is well later',
    async () => {
      using disk = mountSmallDisk()
      await using server = await startAuthorizationServer()
      await using home = await seededHome(server, { vaultDir: disk.path })
      await using daemon = startKillableDaemon(home, { heartbeatMs: 50 })
      const socket = await daemon.socket
      await untilStatus(socket, 'me', isFresh)
      const token = await goodToken(socket, 'me')

      disk.fill()
      expect(await ask(socket, '/v1/apps/me/refresh', 'POST')).toMatchObject({
        status: 200,
        body: { access_token: token },
      })
      expect(await ask(socket, '/readyz/me')).toMatchObject({
        status: 503,
        body: { apps: { me: { ready: false, reason: 'vault_unwritable' } } },
      })
      await untilStatus(socket, 'me', ({ failures }) => failures >= 1)
      expect(await goodToken(socket, 'me')).toBe(token)
      expect(server.requests.length).toBe(1)

      disk.empty()
      await untilStatus(socket, 'me', isFresh)
      expect(await goodToken(socket, 'me')).not.toBe(token)
      expect(await ask(socket, '/readyz/me')).toMatchObject({ status: 200 })
      expect(server.requests.length).toBe(2)
    },
  )

  itNeeds(noDisk)('read-only when the answer comes: served from memory, stored later', async () => {
    using disk = mountSmallDisk()
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server, { vaultDir: disk.path })
    server.intercept = async (_request, act) => {
      const answer = await act()
      disk.makeReadOnly(true)
      return answer
    }
    await using daemon = startKillableDaemon(home, { heartbeatMs: 50 })
    const socket = await daemon.socket
    await daemon.reached('stored')
    const token = await goodToken(socket, 'me')
    const told = { reason: 'vault_unwritable' }
    expect(await ask(socket, '/readyz/me')).toMatchObject({
      status: 503,
      body: { apps: { me: told } },
    })
    expect((await statusOf(socket, 'me')).last_error?.message).toContain('read-only')

    disk.makeReadOnly(false)
    await until(
      'the app is ready',
      () => ask(socket, '/readyz/me'),
      ({ status }) => status === 200,
    )
    daemon.signal('SIGKILL')
    await daemon.ended
    await using next = startKillableDaemon(home)
    expect(await goodToken(await next.socket, 'me')).toBe(token)
    expect(server.requests.length).toBe(1)
  })
})

describe.concurrent('a record that was damaged', () => {
  const damages: readonly (readonly [string, (record: Buffer, other: Buffer) => Buffer])[] = [
    ['cut short', (record) => record.subarray(0, record.length - 100)],
    ['empty', () => Buffer.alloc(0)],
    ['with one bit flipped', (record) => flipped(record)],
    ['that is another app’s', (_record, other) => other],
  ]

  it.each(damages)('%s costs that app alone, and is kept', async (_what, damage) => {
    await using server = await startAuthorizationServer()
    await using home = await seededHome(server, { apps: { hurt: 'fresh', well: 'fresh' } })
    const [hurt, well] = [recordPath(home, 'hurt'), recordPath(home, 'well')]
    const damaged = damage(readFileSync(hurt), readFileSync(well))
    writeFileSync(hurt, damaged)

    await using daemon = startKillableDaemon(home)
    const socket = await daemon.socket
    expect(await statusOf(socket, 'well')).toMatchObject({ session: 'active', last_error: null })
    expect(await statusOf(socket, 'hurt')).toMatchObject({
      session: 'signed-out',
      last_error: { error: 'record_damaged' },
    })
    expect(await ask(socket, '/v1/apps/hurt/token')).toMatchObject({
      status: 409,
      body: { error: 'login_required' },
    })
    const told = await runCli(home, ['status', 'hurt'])
    expect(told.stdout).toContain('set aside, not deleted')
    expect(told.stdout).toContain('evo-token login hurt')
    const [aside = ''] = readdirSync(join(home.stateDir, 'vault')).filter((name) => {
      return name.startsWith('hurt.damaged-')
    })
    expect(readFileSync(join(home.stateDir, 'vault', aside))).toEqual(damaged)
  })

  it('is not missed by an app that is signed in anew', async () => {
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using server = await startAuthorizationServer({ redirectUris: [redirectUri] })
    await using home = await seededHome(server, {
      apps: { me: 'fresh' },
      app: { redirectUris: [redirectUri] },
    })
    writeFileSync(recordPath(home, 'me'), flipped(readFileSync(recordPath(home, 'me'))))
    await using daemon = startKillableDaemon(home)
    const socket = await daemon.socket
    expect(await signIn(socket, 'me', createPerson('ada'))).toBe(200)
    expect(await statusOf(socket, 'me')).toMatchObject({ session: 'active', last_error: null })
    await goodToken(socket, 'me')
  })
})

/** One bit in the middle, in which the ciphertext is. */
function flipped(record: Buffer): Buffer {
  const at = Math.floor(record.length / 2)
  return Buffer.concat([
    record.subarray(0, at),
    Buffer.of((record[at] ?? 0) ^ 1),
    record.subarray(at + 1),
  ])
}

describe.concurrent('a vault that does not fit', () => {
  it.each(MISFITS)('($what) is locked, and not one file of it moves', async (misfit) => {
    const locked = (body: object) => ({ status: 503, body })
    const detail = expect.stringMatching(misfit.says) as string
    const reason = { ready: false, reason: 'vault_locked' }
    expect(await lockOut(misfit)).toMatchObject({
      token: locked({ error: 'vault_locked', detail }),
      ready: locked({ apps: { me: reason, other: reason } }),
      logout: locked({ error: 'vault_locked' }),
      exitCode: 0,
      moved: [],
      requests: 0,
    })
  })
})
