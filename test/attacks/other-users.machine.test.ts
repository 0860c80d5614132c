/** What another user of the machine can open of ours: nothing. */
import { readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { signIn } from '../faults/owner.ts'
import { nativeApp, seededHome } from '../faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { AS_NOBODY, noDaemonOfNobody, noOtherUser, runAs } from './as-nobody.ts'

const it = itNeeds(noOtherUser)

/** The mask of a careless shell: a file has no more rights than it is born with, and no less. */
const CARELESS = ['sh', '-c', 'umask 0; exec "$0" "$@"']

const FILES = [
  'access-key',
  'callers.json',
  'endpoint.json',
  'lock',
  'vault-key',
  'vault/evo-me.jwe',
].map((name) => `state/${name}`)

let server: RunningAuthorizationServer
let home: Home
let daemon: DaemonProcess

beforeAll(async () => {
  const redirectUris = [`http://localhost:${await freePort()}/signin-callback`]
  server = await startAuthorizationServer({ redirectUris })
  home = await createHome({
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: { 'evo-me': { ...nativeApp(server), redirectUris } },
  })
  daemon = await startDaemonProcess(home, { under: CARELESS })
  expect(await signIn(daemon.socket, 'evo-me', createPerson('ada'))).toBe(200)
  // What lies above our directories is the machine's affair, and often open.
  await chmod(home.directory, 0o755)
})

afterAll(async () => {
  await daemon.stop('SIGKILL')
  await home.remove()
  await server.close()
})

async function asNobody(...command: readonly string[]) {
  return runAs('nobody', command)
}

async function expectClosed(path: string): Promise<void> {
  const at = join(home.directory, path)
  const read = await asNobody('cat', at)
  expect(read, path).toMatchObject({ code: 1, stdout: '' })
  expect(read.stderr).toContain('Permission denied')
  const written = await asNobody('sh', '-c', `: >>'${at}'`)
  expect(written.code, path).not.toBe(0)
}

async function expectSocketClosed(): Promise<void> {
  const answer = await asNobody('curl', '-sS', '--unix-socket', daemon.socket, 'http://localhost/')
  // curl's code for "could not connect".
  expect(answer).toMatchObject({ code: 7, stdout: '' })
}

describe('on disk, another user', () => {
  it('cannot look into the directories', async () => {
    for (const directory of ['state', 'state/vault', 'run']) {
      const listed = await asNobody('ls', join(home.directory, directory))
      expect(listed.stderr, directory).toContain('Permission denied')
      expect(listed.stdout).toBe('')
    }
    for (const path of FILES) await expectClosed(path)
    await expectSocketClosed()
  })

  it('can open no file and no socket even where the directories were opened by mistake', async () => {
    const directories = ['state', 'state/vault', 'run'].map((name) => join(home.directory, name))
    for (const directory of directories) await chmod(directory, 0o755)
    for (const path of FILES) await expectClosed(path)
    await expectSocketClosed()
    for (const directory of directories) await chmod(directory, 0o700)
  })

  it('cannot open the config that init has written', async () => {
    await using fresh = await createHome()
    await chmod(fresh.directory, 0o755)
    const config = join(fresh.directory, 'etc/config.json')
    const env = { EVO_TOKEN_CONFIG: config }
    const init = ['init', '--yes', '--name', 'evo-me', '--type', 'native', '--client-id', 'n-1']
    expect(await runCli(fresh, init, { env })).toMatchObject({ code: 0 })
    await chmod(join(fresh.directory, 'etc'), 0o755)
    expect((await asNobody('cat', config)).stderr).toContain('Permission denied')
  })
})

describe('the log', () => {
  it('goes to a journal or to a file that is born for its owner alone', () => {
    const unit = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
    for (const path of ['systemd/user/evo-token.service', 'systemd/system/evo-token.service']) {
      expect(unit(path)).not.toMatch(/^Standard(Output|Error)=/m)
      expect(unit(path)).toMatch(/^UMask=0077$/m)
    }
    const umask = /<key>Umask<\/key>\s*<integer>(\d+)</.exec(unit('launchd/evo-token.plist'))?.[1]
    expect(Number(umask)).toBe(0o077)
  })
})

describe('a daemon that is not root’s', () => {
  itNeeds(noDaemonOfNobody())('serves its own user and no third one', async () => {
    await using own = await seededHome(server, { apps: { 'evo-me': 'fresh' } })
    await runAs('root', ['chown', '-R', 'nobody:nogroup', own.directory])
    await using running = await startDaemonProcess(own, { under: AS_NOBODY })
    await chmod(own.directory, 0o755)
    const keyFile = join(own.stateDir, 'access-key')
    const get = ['curl', '-sS', '--unix-socket', running.socket, 'http://localhost/v1/apps']

    const itself = await runAs('nobody', get)
    expect(itself.stdout).toContain('evo-me')
    expect(await runAs('nobody', ['cat', keyFile])).toMatchObject({ code: 0 })
    expect(await runAs('daemon', get)).toMatchObject({ code: 7, stdout: '' })
    expect(await runAs('daemon', ['cat', keyFile])).toMatchObject({ code: 1, stdout: '' })
  })
})
