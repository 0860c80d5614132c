/** What another user of the machine finds: closed doors, and nothing that tells which apps there are. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { ask, signIn } from '../faults/owner.ts'
import { nativeApp, seededHome } from '../faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  MAIN,
  runCli,
  startDaemonProcess,
} from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { AS_NOBODY, noDaemonOfNobody, noOtherUser, runAs } from './other-user.ts'

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
let redirectUri: string

beforeAll(async () => {
  redirectUri = `http://localhost:${await freePort()}/signin-callback`
  const redirectUris = [redirectUri]
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

async function curl(path: string, ...options: readonly string[]) {
  const { stdout } = await asNobody('curl', '-sS', '-i', ...options, `${daemon.url}${path}`)
  return stdout.replace(/^Date: .*$/m, 'Date: …')
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

describe('over TCP, another user', () => {
  const ROUTES = [
    '/v1/apps',
    '/readyz',
    '/v1/events',
    '/metrics',
    '/v1/callers',
    ...['evo-me', 'evo-none'].flatMap((app) => [
      `/v1/apps/${app}`,
      `/v1/apps/${app}/token`,
      `/readyz/${app}`,
      `/v1/apps/${app}/login`,
    ]),
  ]

  it('gets the same 401 for everything without a key, be there such an app or not', async () => {
    const answers = await Promise.all(ROUTES.map((path) => curl(path)))
    expect(answers[0]).toMatch(/^HTTP\/1\.1 401 /)
    expect(answers[0]).toContain('"error":"invalid_key"')
    expect(answers[0]).toMatch(/^WWW-Authenticate: Bearer\r$/m)
    expect(new Set(answers).size).toBe(1)
  })

  it('gets the same 401 for a key that is none, whatever the method', async () => {
    const key = ['-H', `Authorization: Bearer evtk_${'A'.repeat(43)}`]
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const [there, notThere] = await Promise.all(
        ['evo-me', 'evo-none'].map((app) => curl(`/v1/apps/${app}/token`, '-X', method, ...key)),
      )
      expect(there).toMatch(/^HTTP\/1\.1 401 /)
      expect(there).toBe(notThere)
    }
  })

  it('learns from no proof whether there is such a caller', async () => {
    const [known, unknown] = await Promise.all(
      ['local', 'nobody-s'].map((name) => curl(`/healthz?caller=${name}&nonce=1`)),
    )
    expect(known).toMatch(/"proof":"[0-9a-f]{64}"/)
    const proof = /[0-9a-f]{64}/
    expect(known?.replace(proof, '…')).toBe(unknown?.replace(proof, '…'))
  })

  it('learns no app from the listener of a sign-in that waits for its answer', async () => {
    expect(await ask(daemon.socket, '/v1/apps/evo-me/login', 'POST')).toMatchObject({ status: 200 })
    for (const query of ['', '?state=x&code=y', '?state=x&error=access_denied']) {
      const { stdout } = await asNobody('curl', '-sS', '-i', `${redirectUri}${query}`)
      expect(stdout).toMatch(/^HTTP\/1\.1 400 /)
      expect(stdout).not.toContain('evo-me')
    }
  })

  it('learns no app from the command line of the daemon', async () => {
    const { stdout } = await asNobody('cat', `/proc/${daemon.pid}/cmdline`)
    expect(stdout.split('\0')).toEqual([process.execPath, MAIN, 'serve', ''])
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
