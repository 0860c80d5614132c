/** Files have their modes from birth: seen in what the daemon asks of the kernel, in a whole life of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { ask, signIn } from '../faults/owner.ts'
import { nativeApp } from '../faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import {
  createHome,
  type Home,
  MAIN,
  runCli,
  startDaemonProcess,
} from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { type Call, readTrace, traceTo } from './traced-files.ts'

const it = itNeeds(missingCommands('strace'))

let server: RunningAuthorizationServer
let redirectUri: string

beforeAll(async () => {
  redirectUri = `http://localhost:${await freePort()}/signin-callback`
  server = await startAuthorizationServer({ redirectUris: [redirectUri] })
})
afterAll(() => server.close())

/** The mask of a careless shell: a file has the rights that it is born with, and no less. */
const CARELESS = ['-c', 'umask 0; exec "$0" "$@"']

/** Everything by which the daemon comes to write, from nothing. */
async function liveTraced(home: Home, trace: string): Promise<void> {
  await using daemon = await startDaemonProcess(home, {
    under: ['sh', ...CARELESS, ...traceTo(trace)],
  })
  expect(await signIn(daemon.socket, 'evo-me', createPerson('ada'))).toBe(200)
  expect(await ask(daemon.socket, '/v1/apps/evo-me/refresh', 'POST')).toMatchObject({ status: 200 })
  const added = await runCli(home, ['caller', 'add', 'notebook', '--app', 'evo-me'])
  expect(added).toMatchObject({ code: 0 })
  expect(await runCli(home, ['vault', 'rotate-key'])).toMatchObject({ code: 0 })
  expect(await ask(daemon.socket, '/v1/reload', 'POST')).toMatchObject({ status: 200 })
  expect(await daemon.stop()).toBe(0)
}

async function daemonHome(): Promise<Home> {
  const home = await createHome()
  await home.write({
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    files: [{ app: 'evo-me', path: join(home.directory, 'token'), format: 'raw' }],
    apps: { 'evo-me': { ...nativeApp(server), redirectUris: [redirectUri] } },
  })
  return home
}

it('the daemon makes every file, directory and socket for its owner alone, and never changes a mode', async () => {
  await using home = await daemonHome()
  await using elsewhere = await createHome()
  const trace = join(elsewhere.directory, 'trace')
  await liveTraced(home, trace)
  const calls = await readTrace(trace)
  const ours = calls.filter(({ paths }) => paths.some((path) => path.startsWith(home.directory)))

  expect(calls.filter(({ name }) => name.includes('chmod'))).toEqual([])
  const births = ours.filter(makesSomething)
  expect(births.filter((call) => !isPrivate(call, calls))).toEqual([])

  const names = new Set([...births, ...ours.filter(isRename)].map(({ paths }) => paths.at(-1)))
  const seen = [...names].map((path) => path?.slice(home.directory.length + 1))
  expect(seen).toEqual(expect.arrayContaining(['run/owner.sock', 'state/endpoint.json', 'token']))
  const there = readdirSync(home.directory, { recursive: true, encoding: 'utf8' })
  const known = ['config.json', ...seen]
  expect(there.filter((path) => !known.includes(path))).toEqual([])
})

it('init makes a config for its owner alone, and one in the place of another with the mode of that', async () => {
  await using home = await createHome()
  const init = async (app: string) => {
    const trace = join(home.directory, app)
    const line = [...CARELESS, ...traceTo(trace), process.execPath, MAIN, 'init', '--yes']
    const options = ['--name', app, '--type', 'native', '--client-id', 'native-1']
    const child = spawn('sh', [...line, ...options], { env: home.env, stdio: 'ignore' })
    expect(await once(child, 'exit')).toEqual([0, null])
    return (await readTrace(trace)).filter(
      (call) => makesSomething(call) || call.name.includes('chmod'),
    )
  }
  const [first, ...more] = await init('evo-me')
  expect(first?.args).toMatch(/O_EXCL.*, 0600$/)
  await chmod(home.config, 0o640)
  const [second, ...others] = await init('evo-other')
  expect(second?.args).toMatch(/O_EXCL.*, 0640$/)
  // The schema for editors, which `init` puts beside it.
  for (const { args } of [...more, ...others]) {
    expect(args).toMatch(/config\.schema\.json.*O_EXCL.*, 0600$/)
  }
})

function makesSomething({ name, args }: Call): boolean {
  return /^(creat|mknod|mkdir|link|symlink|bind)/.test(name) || args.includes('O_CREAT')
}

function isRename({ name }: Call): boolean {
  return name.startsWith('rename')
}

/** The rights of a socket are what the mask leaves of 0777. */
function isPrivate(call: Call, calls: readonly Call[]): boolean {
  const { name, args, pid } = call
  if (name.startsWith('mkdir')) return args.endsWith(', 0700')
  if (name !== 'bind') return args.endsWith(', 0600')
  const before = calls.slice(0, calls.indexOf(call))
  return before.findLast((one) => one.name === 'umask' && one.pid === pid)?.args === '0177'
}
