/** The daemon and the keychain of a Linux desktop: gnome-keyring on a session bus, behind the built program. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { createKeychain } from '../src/adapters/vault/key-places/keychain.ts'
import { keyIdOf } from '../src/adapters/vault/sealing/sealed-text.ts'
import { type KillableDaemon, startKillableDaemon } from './faults/killable-daemon.ts'
import { ask, goodToken, isFresh, signIn, statusOf, untilStatus } from './faults/owner.ts'
import { nativeApp, recordPath, type Seed, seededHome } from './faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { createHome, type Home, runCli } from './support/daemon-process.ts'
import { freePort } from './support/free-port.ts'
import {
  type Bus,
  type Keyring,
  KEYRING_COMMANDS,
  startBus,
  startKeyring,
} from './support/keyring.ts'
import { itNeeds, missingCommands } from './support/needs.ts'
import { createPerson } from './support/person.ts'
import { until } from './support/until.ts'

const missing =
  process.platform === 'linux'
    ? missingCommands(...KEYRING_COMMANDS, 'dbus-monitor')
    : 'needs a Secret Service'
const it = itNeeds(missing)

let server: RunningAuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer()
})

afterAll(async () => {
  await server.close()
})

/** What a program has of the session: the place of its bus, whether there is one or not. */
function sessionOf({ env }: Bus): NodeJS.ProcessEnv {
  return { XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR }
}

/** Apps that are signed in, with the key of their vault in the keychain. */
async function homeInKeychain(
  keyring: Bus,
  apps: Readonly<Record<string, Seed>> = { me: 'fresh' },
): Promise<Home> {
  const home = await seededHome(server, { apps, config: { vault: { key: 'auto' } } })
  await using daemon = startKillableDaemon(home, { env: sessionOf(keyring) })
  await daemon.socket
  const moved = await runCli(home, ['vault', 'move-key', '--to', 'keychain'])
  expect(moved).toMatchObject({ code: 0 })
  return home
}

function headerOf(home: Home) {
  const text = readFileSync(join(home.stateDir, 'vault/vault.json'), 'utf8')
  return JSON.parse(text) as { readonly id: string; readonly source: string; readonly kid: string }
}

const warnings = ({ log }: KillableDaemon) => log.filter((line) => line.level === 'warn')

/** How many items of ours the keychain has. */
function itemsIn({ env }: Bus): number {
  const service = ['org.freedesktop.secrets', '/org/freedesktop/secrets']
  const search = ['org.freedesktop.Secret.Service', 'SearchItems', 'a{ss}', '1']
  const asked = ['--user', 'call', ...service, ...search, 'service', 'evo-token']
  const [, count] =
    /^aoao (\d+)/.exec(execFileSync('busctl', asked, { env, encoding: 'utf8' })) ?? []
  return Number(count)
}

describe.concurrent('the key in the keychain', () => {
  it('is one item, and is read once, however many apps there are and are refreshed', async () => {
    await using keyring = await startKeyring()
    const apps = { one: 'stale', two: 'stale', three: 'stale', four: 'fresh' } as const
    await using home = await homeInKeychain(keyring, apps)
    expect(itemsIn(keyring)).toBe(1)
    const monitor = spawn('dbus-monitor', ["type='method_call'"], {
      env: keyring.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let heard = ''
    monitor.stdout.setEncoding('utf8').on('data', (piece: string) => (heard += piece))
    await until('the monitor hears the bus', () => heard !== '')

    await using daemon = startKillableDaemon(home, { env: sessionOf(keyring), heartbeatMs: 50 })
    const socket = await daemon.socket
    for (const app of Object.keys(apps)) {
      expect(await ask(socket, `/v1/apps/${app}/refresh`, 'POST')).toMatchObject({ status: 200 })
      await untilStatus(socket, app, isFresh)
    }
    // A listener on a bus hears everything in its order.
    expect(itemsIn(keyring)).toBe(1)
    await until(
      'the monitor has heard the search',
      () => heard,
      (text) => text.includes('SearchItems'),
    )
    expect(heard.match(/member=GetSecrets?$/gm)).toHaveLength(1)
    monitor.kill()
    await once(monitor, 'exit')
  })

  it('is waited for while it is locked, which the log and the status say once', async () => {
    await using keyring = await startKeyring()
    await using home = await homeInKeychain(keyring, { me: 'fresh', other: 'fresh' })
    await keyring.lock()
    await using daemon = startKillableDaemon(home, { env: sessionOf(keyring), heartbeatMs: 50 })
    const socket = await daemon.socket
    await untilStatus(socket, 'me', ({ failures }) => failures >= 2)
    expect(warnings(daemon)).toMatchObject([{ msg: 'The keychain is locked.' }])
    const status = await runCli(home, ['status'])
    expect(status).toMatchObject({ code: 0 })
    expect(status.stdout.match(/vault_locked/g)).toHaveLength(2)
    expect(status.stderr).toMatch(/^\nvault_locked: The keychain is locked\. Unlock it, .*\n$/)
    await keyring.unlock()
    await untilStatus(socket, 'me', isFresh)
    await goodToken(socket, 'other')
    expect(warnings(daemon)).toHaveLength(1)
    expect(daemon.log.filter(({ msg }) => msg === 'the vault is open')).toHaveLength(1)
  })

  it('is taken up when the desktop session begins after the daemon', async () => {
    const session = mkdtempSync(join(tmpdir(), 'evo-session-'))
    const begin = async () => {
      const bus = await startBus({ services: false, home: session })
      return { bus, keyring: await startKeyring(bus) }
    }
    const end = async ({ bus, keyring }: { bus: Bus; keyring: Keyring }) => {
      await keyring[Symbol.asyncDispose]()
      await bus[Symbol.asyncDispose]()
    }
    const before = await begin()
    await using home = await homeInKeychain(before.bus)
    await end(before)
    await rm(join(session, 'run/bus'), { force: true })

    const env = { XDG_RUNTIME_DIR: join(session, 'run') }
    await using daemon = startKillableDaemon(home, { env, heartbeatMs: 50 })
    const socket = await daemon.socket
    const { problem } = await statusOf(socket, 'me')
    expect(problem?.message).toMatch(/^There is no keychain here: /)
    expect(problem?.hint).toContain('goes on by itself')
    await untilStatus(socket, 'me', ({ failures }) => failures >= 2)
    expect(warnings(daemon)).toHaveLength(1)
    const after = await begin()
    await untilStatus(socket, 'me', isFresh)
    await goodToken(socket, 'me')
    expect(existsSync(join(home.stateDir, 'vault-key'))).toBe(false)
    await end(after)
    await rm(session, { recursive: true })
  })

  it('is made when the desktop session begins, where the config wants it there', async () => {
    await using bus = await startBus({ services: false })
    await using home = await createHome({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'keychain' },
      apps: { me: nativeApp(server) },
    })
    await using daemon = startKillableDaemon(home, { env: sessionOf(bus), heartbeatMs: 50 })
    const socket = await daemon.socket
    expect(await statusOf(socket, 'me')).toMatchObject({ last_error: { error: 'vault_locked' } })
    await using keyring = await startKeyring(bus)
    await untilStatus(socket, 'me', ({ session }) => session === 'signed-out')
    expect(itemsIn(keyring)).toBe(1)
    expect(headerOf(home).source).toBe('keychain')
  })
})

describe.concurrent('a key that was deleted from the keychain', () => {
  /** A daemon that has found that out. */
  async function bereft(keyring: Keyring, home: Home) {
    const keychain = createKeychain({ env: keyring.env })
    const { id } = headerOf(home)
    const kept = await keychain.read(id)
    await keychain.remove(id)
    const daemon = startKillableDaemon(home, { env: sessionOf(keyring), heartbeatMs: 50 })
    const putBack = () => keychain.write(id, kept.kind === 'keys' ? kept.keys : [])
    return { daemon, id, putBack }
  }

  it('is told of as such with the two ways out; put back, it is taken up', async () => {
    await using keyring = await startKeyring()
    await using home = await homeInKeychain(keyring)
    const { daemon, id, putBack } = await bereft(keyring, home)
    await using _daemon = daemon
    const socket = await daemon.socket
    const means = `no item of the service "evo-token" for the account "${id}": it was deleted.`
    const waysOut = [
      'Put the item back from a backup of the keychain.',
      `Or move ${join(home.stateDir, 'vault')} away for a fresh vault, and sign in again.`,
    ]
    const token = await runCli(home, ['get', 'me'])
    const status = await runCli(home, ['status', 'me'])
    expect(token.code).toBe(5)
    for (const said of [token.stderr, status.stdout, JSON.stringify(daemon.log)]) {
      for (const words of [means, ...waysOut]) {
        expect(said.replaceAll('\\"', '"')).toContain(words)
      }
    }
    expect(warnings(daemon)).toHaveLength(1)
    await putBack()
    await untilStatus(socket, 'me', isFresh)
    await goodToken(socket, 'me')
  })

  it('is done without in a fresh vault, once the old one is moved away', async () => {
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using own = await startAuthorizationServer({ redirectUris: [redirectUri] })
    await using keyring = await startKeyring()
    await using home = await homeInKeychain(keyring)
    await home.write({
      issuer: own.issuer,
      listen: { port: 0 },
      vault: { key: 'auto' },
      apps: { me: { ...nativeApp(own), redirectUris: [redirectUri] } },
    })
    const { daemon } = await bereft(keyring, home)
    await using _daemon = daemon
    const socket = await daemon.socket
    renameSync(join(home.stateDir, 'vault'), join(home.stateDir, 'vault.lost'))
    await untilStatus(socket, 'me', ({ session }) => session === 'signed-out')
    expect(await signIn(socket, 'me', createPerson('ada'))).toBe(200)
    await goodToken(socket, 'me')
    expect(itemsIn(keyring)).toBe(1)
  })
})

// Alone: it counts what the server is asked.
describe('vault move-key', () => {
  it('moves the key into the keychain and out of it, and says where the config disagrees', async () => {
    await using keyring = await startKeyring()
    const env = sessionOf(keyring)
    const asked = server.requests.length
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    const file = join(home.stateDir, 'vault-key')
    const move = async (to: string) => {
      await using daemon = startKillableDaemon(home, { env })
      const token = await goodToken(await daemon.socket, 'me')
      const { code, stderr } = await runCli(home, ['vault', 'move-key', '--to', to])
      expect(code).toBe(0)
      expect(await goodToken(await daemon.socket, 'me')).toBe(token)
      expect(await runCli(home, ['vault', 'move-key', '--to', to])).toMatchObject({ code: 2 })
      const { body } = await ask(await daemon.socket, '/v1/apps')
      return { stderr, problems: body.problems }
    }
    const key = readFileSync(file, 'utf8')
    const moved = await move('keychain')
    expect(moved.stderr).toContain('set "vault": { "key": "keychain" } (or "auto")')
    expect(moved.problems).toMatchObject([{ error: 'vault_key_elsewhere' }])
    expect([existsSync(file), itemsIn(keyring)]).toEqual([false, 1])
    const config = JSON.parse(readFileSync(home.config, 'utf8')) as object
    await home.write({ ...config, vault: { key: 'auto' } })
    expect(await move('file')).toEqual({
      stderr: 'The key of the vault is in a file in the state directory now.\n',
      problems: [],
    })
    expect([readFileSync(file, 'utf8'), itemsIn(keyring)]).toEqual([key, 0])
    await move('keychain')
    await using daemon = startKillableDaemon(home, { env })
    await goodToken(await daemon.socket, 'me')
    expect(server.requests.length).toBe(asked)
  })

  it('is refused by a keychain that is locked, and moves nothing', async () => {
    await using keyring = await startKeyring()
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    await keyring.lock()
    await using daemon = startKillableDaemon(home, { env: sessionOf(keyring) })
    await daemon.socket
    expect(await runCli(home, ['vault', 'move-key', '--to', 'keychain'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('The keychain is locked.') as string,
    })
    expect(headerOf(home).source).toBe('file')
    expect(existsSync(join(home.stateDir, 'vault-key'))).toBe(true)
  })
})

describe.concurrent('vault rotate-key with the key in the keychain', () => {
  for (const step of ['key added', 'key in use', 're-encrypted me', 'old key dropped']) {
    it(`is finished by the next start when it is killed after "${step}"`, async () => {
      await using keyring = await startKeyring()
      const env = sessionOf(keyring)
      await using home = await homeInKeychain(keyring, { me: 'fresh', other: 'fresh' })
      const { id, kid } = headerOf(home)
      await using killed = startKillableDaemon(home, { env, killAt: step })
      const token = await goodToken(await killed.socket, 'me')
      expect(await runCli(home, ['vault', 'rotate-key'])).toMatchObject({ code: 4 })
      expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' })

      await using next = startKillableDaemon(home, { env })
      expect(await goodToken(await next.socket, 'me')).toBe(token)
      await goodToken(await next.socket, 'other')
      const now = headerOf(home).kid
      expect(now).not.toBe(kid)
      for (const app of ['me', 'other']) {
        expect(keyIdOf(readFileSync(recordPath(home, app), 'utf8'))).toBe(now)
      }
      expect(await createKeychain({ env: keyring.env }).read(id)).toMatchObject({
        kind: 'keys',
        keys: { length: 1 },
      })
    })
  }
})
