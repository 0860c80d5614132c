/**
 * The built program through all that a person does with it, with its log at `trace`, its secrets known
 * to us as canaries: none has eight bytes anywhere but where it is the job of that place to hold it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { createRepository } from '../cli/repository.ts'
import { type FaultyPath, startFaultyPath } from '../faults/faulty-path.ts'
import { pathFault } from '../faults/path-faults.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { createHome, type Home } from '../support/daemon-process.ts'
import { freePort } from '../support/free-port.ts'
import { KEYRING_COMMANDS, startKeyring } from '../support/keyring.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { createPerson } from '../support/person.ts'
import { until } from '../support/until.ts'
import { createCanaries, randomSecret } from './canaries.ts'
import { noteAnswers, watching } from './seen-secrets.ts'
import { createTracer, type Ended, type Traced, type TraceOptions, type Tracer } from './traced.ts'

const missing = missingCommands('strace', 'git', ...KEYRING_COMMANDS)
const it = itNeeds(missing)

const SCOPES = ['evo.discovery', 'evo.workspace']
const CLIENT_SECRETS = { robot: randomSecret(), site: randomSecret() }
/** Of no app, and yet a secret to the person who types it. */
const WRONG = { secret: randomSecret(), key: `evtk_${randomSecret()}`, config: randomSecret() }
const ADA = createPerson('ada')

const canaries = createCanaries()
for (const secret of Object.values(CLIENT_SECRETS)) canaries.add('client secret', secret)
canaries.add('wrong client secret', WRONG.secret)
canaries.add('wrong access key', WRONG.key)
canaries.add('secret in the config', WRONG.config)

/** What each command printed. */
const printed: { readonly argv: string; readonly ended: Ended }[] = []
/** What was answered on either door, and shown in a browser; without the bodies that hold a token. */
const answers: string[] = []
const daemons: Traced[] = []
/** Of the daemon while it ran. */
const proc: string[] = []

let home: Home
let traces: string
let tracer: Tracer
let path: FaultyPath
let server: RunningAuthorizationServer

async function run(argv: readonly string[], options: TraceOptions = {}): Promise<Ended> {
  const ended = await tracer.run(argv, options)
  printed.push({ argv: argv.join(' '), ended })
  return ended
}

/** A command that must do what it says. */
async function done(argv: readonly string[], options: TraceOptions = {}): Promise<Ended> {
  const ended = await run(argv, options)
  if (ended.code !== 0) throw new Error(`${argv.join(' ')}: ${JSON.stringify(ended)}`)
  return ended
}

function fileOfState(name: string): string {
  return readFileSync(join(home.stateDir, name), 'utf8')
}

/** The vault key of now, and the access key. */
function noteKeys(): void {
  for (const key of fileOfState('vault-key').trim().split('\n')) canaries.add('vault key', key)
  canaries.add('access key', fileOfState('access-key').trim())
}

async function startDaemon(env: NodeJS.ProcessEnv = {}): Promise<{ daemon: Traced; pid: number }> {
  const daemon = tracer.start(['serve', '--log-level', 'trace'], { env, input: '' })
  daemons.push(daemon)
  await daemon.saying(/"msg":"listening"/)
  const { pid } = JSON.parse(fileOfState('endpoint.json')) as { pid: number }
  noteKeys()
  return { daemon, pid }
}

function endpoint(): string {
  return (JSON.parse(fileOfState('endpoint.json')) as { url: string }).url
}

/** Asks on TCP, with this key; notes the answer unless it is a token. */
async function ask(key: string, where: string, method = 'GET'): Promise<void> {
  const headers = { authorization: `Bearer ${key}` }
  const answer = await fetch(`${endpoint()}${where}`, { method, headers })
  const body = await answer.text()
  const isToken = answer.status === 200 && /\/(token|refresh)$/.test(where)
  answers.push(JSON.stringify([...answer.headers]), isToken ? '' : body)
}

/** Signs in while the command waits: `act` gets what it printed that `shape` is about. */
async function login(
  argv: readonly string[],
  shape: RegExp,
  act: (found: string, command: Traced) => Promise<void>,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const command = tracer.start(['login', ...argv], { env })
  await act(await command.saying(shape), command)
  const ended = await command.ended
  printed.push({ argv: `login ${argv.join(' ')}`, ended })
  if (ended.code !== 0) throw new Error(`login ${argv.join(' ')}: ${ended.stderr}`)
}

async function configure(): Promise<void> {
  const redirectUri = `http://localhost:${await freePort()}/signin-callback`
  path = await startFaultyPath()
  server = await startAuthorizationServer({
    issuer: path.url,
    redirectUris: [redirectUri],
    clients: [
      {
        client_id: 'site',
        client_secret: CLIENT_SECRETS.site,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      {
        client_id: 'robot',
        client_secret: CLIENT_SECRETS.robot,
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
        scope: SCOPES.join(' '),
      },
    ],
  })
  path.leadTo(server.url)
  await path.meet(watching(canaries))
  await done([
    ...['init', '--yes', '--name', 'me', '--type', 'native', '--issuer', path.url],
    ...['--client-id', server.clients.native.clientId, '--redirect-uri', redirectUri],
    ...['--vault-key', 'file'],
    ...[...SCOPES, 'offline_access'].flatMap((scope) => ['--scope', scope]),
  ])
  const { apps, ...config } = JSON.parse(readFileSync(home.config, 'utf8')) as { apps: object }
  await home.write({
    ...config,
    issuer: path.url,
    listen: { port: 0 },
    refresh: { retryMin: '1s' },
    notify: { command: ['true'] },
    files: [{ app: 'robot', path: join(home.directory, 'token'), format: 'raw' }],
    apps: {
      ...apps,
      site: {
        type: 'web',
        clientId: 'site',
        tokenEndpointAuthMethod: 'client_secret_basic',
        redirectUris: [redirectUri],
        scopes: [...SCOPES, 'offline_access'],
      },
      robot: { type: 'service', clientId: 'robot', scopes: SCOPES },
    },
  })
  await done(['config', 'check'])
}

async function storeSecrets(): Promise<void> {
  const site = done(['secret', 'site'], { input: CLIENT_SECRETS.site })
  await run(['secret', 'robot'], { input: `${WRONG.secret}\n` })
  await done(['secret', 'robot'], { input: `${CLIENT_SECRETS.robot}\n` })
  await site
}

async function signIn(): Promise<void> {
  const opened = join(home.directory, 'opened')
  const browser = join(traces, 'browser')
  writeFileSync(browser, `#!/bin/sh\nprintf '%s' "$*" > ${opened}\n`, { mode: 0o755 })
  const inBrowser = async () => {
    await until('the browser is started', () => readFileSync(opened, 'utf8') !== '')
    const { url, text } = await ADA.visit(readFileSync(opened, 'utf8'))
    answers.push(text)
    expect(url).toContain('code=')
    const again = await ADA.visit(url).catch(() => ({ text: 'nothing listens any more' }))
    answers.push(again.text)
  }
  await login(['me'], /The browser opens/, inBrowser, { BROWSER: browser })
  await login(['site', '--no-browser'], /^(http\S+)/m, async (link, { stdin }) => {
    const stopAt = new URL(link).searchParams.get('redirect_uri') ?? ''
    const { url } = await ADA.visit(link, { stopAt })
    stdin.write(`${url.replace(/state=\w{5}/, 'state=other')}\n${url}\n`)
  })
}

/** Takes as long as the server wants a device to wait between two questions. */
async function signInOnDevice(): Promise<void> {
  await login(['me', '--device'], /type this code[^]*?:\n\n {2}(\S+)\n/, async (code) => {
    await ADA.enterCode(`${path.url}/device`, code)
  })
}

async function useTokens(): Promise<void> {
  const commands = [
    ['get', 'me'],
    ['get', 'me', '--json'],
    ['get', 'robot', '--header'],
    ['refresh', 'me'],
    ['run', 'me', '--', 'sh', '-c', 'exec true the-program'],
    ['status', 'me'],
    ['status', '--json'],
    ['shell-init'],
  ]
  await Promise.all(commands.map((argv) => done(argv)))
  const ended = pathFault('invalid_grant with WWW-Authenticate')
  await path.meet(
    watching(canaries, (form) => (form.get('grant_type') === 'refresh_token' ? ended : undefined)),
  )
  await run(['refresh', 'site'])
  await path.meet(watching(canaries))
  await done(['status', 'site'])
}

async function useCallers(): Promise<void> {
  const { stdout } = await done(['caller', 'add', 'notebook', '--app', 'me'])
  const key = stdout.trim()
  canaries.add('access key', key)
  const keyFile = join(home.directory, 'notebook.key')
  writeFileSync(keyFile, key, { mode: 0o600 })
  const over = ['--url', endpoint(), '--caller', 'notebook', '--key-file', keyFile]
  await Promise.all([
    done(['get', 'me', ...over]),
    run(['get', 'robot', ...over]),
    done(['caller', 'list']),
  ])
  for (const where of [
    '/v1/apps',
    '/v1/apps/me/token',
    '/v1/apps/robot/token',
    '/readyz',
    '/none',
  ]) {
    await ask(key, where)
    await ask(WRONG.key, where)
  }
  await ask(key, `/v1/apps/${WRONG.key}/token`)
  await ask(key, '/v1/apps/me/logout', 'POST')
  await ask(key, '/v1/apps/me/token?wait=no')
  await done(['caller', 'remove', 'notebook'])
  await ask(key, '/v1/apps/me/token')
}

async function lookAfterVaultAndConfig(pid: number): Promise<void> {
  await done(['vault', 'rotate-key'])
  noteKeys()
  await done(['vault', 'move-key', '--to', 'keychain'])
  await done(['vault', 'move-key', '--to', 'file'])
  using repository = createRepository()
  repository.stage('a.txt', `token = ${fileOfState('access-key')}`)
  repository.stage('b.txt', `secret: "${CLIENT_SECRETS.robot}"`)
  expect(await run(['guard', 'check'], { cwd: repository.directory })).toMatchObject({ code: 1 })
  const config = readFileSync(home.config, 'utf8')
  const { apps, ...others } = JSON.parse(config) as { apps: Record<string, object> }
  const robot = { ...apps.robot, clientSecret: WRONG.config }
  await home.write({ ...others, apps: { ...apps, robot } })
  await run(['config', 'check'])
  await run(['reload'])
  process.kill(pid, 'SIGHUP')
  await daemons.at(-1)?.saying(/reload refused/)
  writeFileSync(home.config, config)
  await done(['reload'])
}

beforeAll(async () => {
  if (missing !== undefined) return
  home = await createHome()
  traces = mkdtempSync(join(tmpdir(), 'evo-token-traces-'))
  tracer = createTracer(home, traces)
  await configure()
  await using keyring = await startKeyring()
  const { DBUS_SESSION_BUS_ADDRESS } = keyring.env
  const first = await startDaemon({
    DBUS_SESSION_BUS_ADDRESS,
    NOTIFY_SOCKET: join(home.directory, 'nobody'),
  })
  await storeSecrets()
  await signIn()
  await Promise.all([signInOnDevice(), useTokens().then(useCallers)])
  await lookAfterVaultAndConfig(first.pid)
  proc.push(
    ...['cmdline', 'environ'].map((name) => readFileSync(`/proc/${first.pid}/${name}`, 'latin1')),
  )
  await run(['serve'])
  process.kill(first.pid, 'SIGKILL')
  await first.daemon.ended
  await run(['get', 'me'])
  // Libraries that know this variable say what they do.
  const second = await startDaemon({ DEBUG: '*' })
  await done(['refresh', 'me'])
  await ask(fileOfState('access-key').trim(), '/v1/apps/me/token')
  await done(['logout', 'site'])
  await done(['logout', 'robot'])
  process.kill(second.pid, 'SIGTERM')
  expect(await second.daemon.ended).toMatchObject({ code: 0 })
  noteAnswers(canaries, server)
}, 120_000)

afterAll(async () => {
  if (missing !== undefined) return
  await path.close()
  await server.close()
  await home.remove()
  rmSync(traces, { recursive: true, force: true })
})

it('knows every kind of secret that there is', () => {
  expect([...canaries.names].sort()).toEqual([
    'PKCE verifier',
    'access key',
    'access token',
    'authorization code',
    'client secret',
    'device code',
    'refresh token',
    'secret in the config',
    'vault key',
    'wrong access key',
    'wrong client secret',
  ])
})

describe('no secret stands in', () => {
  it('the log of the daemon, nor on its stderr', async () => {
    for (const daemon of daemons) {
      const { stdout, stderr } = await daemon.ended
      expect(canaries.foundIn(stdout)).toEqual([])
      expect(canaries.foundIn(stderr)).toEqual([])
    }
    const [first] = daemons
    expect((await first?.ended)?.stderr).toBe('')
    expect((await first?.ended)?.stdout.split('\n').length).toBeGreaterThan(50)
  })

  it('what a command prints whose job that is not', () => {
    for (const { argv, ended } of printed) {
      const job = argv.startsWith('get ')
        ? 'access token'
        : argv.startsWith('caller add ')
          ? 'access key'
          : ''
      expect({ argv, stdout: canaries.foundIn(ended.stdout, [job]) }).toEqual({ argv, stdout: [] })
      expect({ argv, stderr: canaries.foundIn(ended.stderr) }).toEqual({ argv, stderr: [] })
    }
    expect(printed.length).toBeGreaterThan(25)
  })

  it('the arguments or the environment of a process, but of the one that `run` starts', () => {
    const started = tracer.started()
    for (const line of started) {
      const job =
        line.includes('"exec true the-program"') || line.includes('["true", "the-program"]')
      expect(canaries.foundIn(line, job ? ['access token'] : [])).toEqual([])
    }
    expect(proc.map((content) => canaries.foundIn(content))).toEqual([[], []])
    // These were seen at all: the lock, the keychain's child, the notice, git, a browser, systemd-notify's shell.
    for (const program of [
      '/flock"',
      '"-e", "',
      '["true"]',
      '/git"',
      '/browser"',
      'systemd-notify',
    ]) {
      expect(started.filter((line) => line.includes(program))).not.toEqual([])
    }
  })

  it('a file, but in those that are there for it', () => {
    const jobs: Readonly<Record<string, string>> = {
      'state/vault-key': 'vault key',
      'state/access-key': 'access key',
      'notebook.key': 'access key',
      token: 'access token',
    }
    const files = readdirSync(home.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
    for (const file of files) {
      const name = file.slice(home.directory.length + 1)
      // Every JWE begins like every JWT: what its header says is looked at instead.
      const text = readFileSync(file, 'latin1').replace(/\beyJ[\w-]+/g, (header) =>
        name.startsWith('state/vault/') ? Buffer.from(header, 'base64url').toString() : header,
      )
      const found = canaries.foundIn(text, [jobs[name] ?? ''])
      expect({ name, found }).toEqual({ name, found: [] })
    }
    expect(files.length).toBeGreaterThan(5)
  })

  it('an answer but that with the token, and in no page of a sign-in', () => {
    expect(canaries.foundIn(answers.join('\n'))).toEqual([])
    expect(answers.length).toBeGreaterThan(25)
  })
})

it('the search of this file would find the token that `get` prints', () => {
  const got = printed.filter(({ argv }) => argv.startsWith('get me'))
  for (const { ended } of got.filter(({ ended: { code } }) => code === 0)) {
    expect(canaries.foundIn(ended.stdout)).toEqual([expect.stringMatching(/^access token: /)])
  }
})
