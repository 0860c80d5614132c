/** A new config under the running daemon: what it is about changes, and nothing else notices. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, goodToken, statusOf, untilStatus } from './faults/owner.ts'
import { nativeApp, SCOPES, seededHome } from './faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import {
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from './support/daemon-process.ts'
import { until } from './support/until.ts'

let server: RunningAuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer()
})

afterAll(async () => {
  await server.close()
})

/** Writes the config that `seededHome` wrote, with these apps and this besides. */
async function rewrite(home: Home, apps: object, more: object = {}): Promise<void> {
  const before = JSON.parse(await readFile(home.config, 'utf8')) as object
  await home.write({ ...before, apps, ...more })
}

/** A caller on TCP that keeps its one connection, as an HTTP client with a session does. */
function createCaller({ url }: DaemonProcess, key: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<number | undefined>()
  const open = async (path: string, over?: Agent) => {
    const headers = { authorization: `Bearer ${key}` }
    const asked = request(`${url}${path}`, { headers, agent: over ?? false }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    return answer
  }
  return {
    /** The ports that its requests came from. */
    ports,
    open: (path: string) => open(path),
    async ask(path: string) {
      const answer = await open(path, agent)
      ports.add(answer.socket.localPort)
      const body = (await json(answer)) as Record<string, unknown>
      return { status: answer.statusCode, body }
    },
    [Symbol.dispose]() {
      agent.destroy()
    },
  }
}

describe('a reload that adds, removes and changes apps', () => {
  it('leaves the other apps, the callers and the open connections as they are', async () => {
    const asked = server.requests.length
    await using home = await seededHome(server, {
      apps: { kept: 'fresh', gone: 'fresh', moved: 'fresh' },
    })
    await using daemon = await startDaemonProcess(home)
    const { stdout: key } = await runCli(home, ['caller', 'add', 'notebook'])
    using caller = createCaller(daemon, key.trim())
    const before = await caller.ask('/v1/apps/kept/token')
    const events = await caller.open('/v1/events')
    let heard = ''
    events.setEncoding('utf8').on('data', (piece: string) => (heard += piece))
    await until(
      'the stream tells of the last app',
      () => heard,
      (text) => text.includes('"app":"moved"'),
    )
    const from = heard.length

    const { clientId } = server.clients.spa
    await rewrite(home, {
      kept: nativeApp(server),
      moved: { ...nativeApp(server), type: 'spa', clientId },
      added: nativeApp(server),
    })
    expect(await runCli(home, ['reload'])).toMatchObject({
      code: 0,
      stderr: [
        'added: added',
        'changed: moved',
        'removed: gone',
        'added needs a sign-in: evo-token login added',
        'moved needs a sign-in: evo-token login moved',
        'The config was read again.',
        '',
      ].join('\n'),
    })

    expect(await caller.ask('/v1/apps/kept/token')).toMatchObject({
      status: 200,
      body: { access_token: before.body.access_token },
    })
    expect(await caller.ask('/v1/apps/gone/token')).toMatchObject({ status: 404 })
    expect(await caller.ask('/v1/apps/moved/token')).toMatchObject({
      status: 409,
      body: { error: 'login_required', hint: expect.stringContaining('login moved') as string },
    })
    expect(caller.ports.size).toBe(1)
    await until(
      'the stream tells of the added app',
      () => heard.slice(from),
      (text) => text.includes('"app":"added"'),
    )
    const changes = [...heard.slice(from).matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(
      ([, event, data = '']) => `${event ?? ''} ${(JSON.parse(data) as { app: string }).app}`,
    )
    expect(changes.sort()).toEqual(['removed gone', 'status added', 'status moved'])
    expect(events.destroyed).toBe(false)
    expect(server.requests.length).toBe(asked)
    events.destroy()
  })

  it('changes nothing where the config is as it was', async () => {
    const asked = server.requests.length
    await using home = await seededHome(server, { apps: { kept: 'fresh' } })
    await using daemon = await startDaemonProcess(home)
    const before = await statusOf(daemon.socket, 'kept')
    expect(await runCli(home, ['reload'])).toMatchObject({ stderr: 'The config was read again.\n' })
    expect(await statusOf(daemon.socket, 'kept')).toEqual(before)
    expect(server.requests.length).toBe(asked)
  })
})

describe('an app that a reload makes another', () => {
  it.each([
    ['client id', () => ({ clientId: 'native-another' })],
    ['type', () => ({ type: 'spa' })],
    ['issuer', () => ({ issuer: 'http://localhost:1' })],
    ['token endpoint', () => ({ tokenEndpoint: `${server.issuer}/token` })],
  ])('by its %s has no token, and the old one again when it is as it was', async (_, change) => {
    const asked = server.requests.length
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    await using daemon = await startDaemonProcess(home)
    const token = await goodToken(daemon.socket, 'me')
    await rewrite(home, { me: { ...nativeApp(server), ...change() } })
    const { stderr } = await runCli(home, ['reload'])
    expect(stderr).toContain('me needs a sign-in: evo-token login me')
    expect(await statusOf(daemon.socket, 'me')).toMatchObject({
      session: 'signed-out',
      freshness: 'none',
      fingerprint: null,
    })
    expect(await runCli(home, ['get', 'me'])).toMatchObject({ code: 3, stdout: '' })

    await rewrite(home, { me: nativeApp(server) })
    expect((await runCli(home, ['reload'])).stderr).not.toContain('sign-in')
    expect(await goodToken(daemon.socket, 'me')).toBe(token)
    expect(server.requests.length).toBe(asked)
  })

  it('by its scopes alone keeps its token, and says that a sign-in is needed for them', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    await using daemon = await startDaemonProcess(home)
    const token = await goodToken(daemon.socket, 'me')
    const scopes = [...SCOPES, 'evo.audit']
    await rewrite(home, { me: { ...nativeApp(server), scopes } })
    const { stderr } = await runCli(home, ['reload'])
    expect(stderr).toContain('changed: me\nme needs a sign-in: evo-token login me\n')
    const { last_error: problem } = await statusOf(daemon.socket, 'me')
    expect(problem?.error).toBe('scope_changed')
    expect(problem?.message).toContain('evo.audit')
    expect(await goodToken(daemon.socket, 'me')).toBe(token)
  })

  it('by its scopes alone says that a sign-in is needed also while no refresh succeeds', async () => {
    server.intercept = async () => ({ status: 503, body: { error: 'server_error' } })
    await using home = await seededHome(server, { apps: { me: 'expired' } })
    await using daemon = await startDaemonProcess(home)
    await untilStatus(daemon.socket, 'me', ({ session }) => session === 'retrying')
    const scopes = [...SCOPES, 'evo.audit']
    await rewrite(home, { me: { ...nativeApp(server), scopes } })
    const { stderr } = await runCli(home, ['reload'])
    expect(stderr).toContain('changed: me\nme needs a sign-in: evo-token login me\n')
    server.intercept = (_request, act) => act()
  })
})

describe('token files', () => {
  it('come and go with the config, and none is left with a token', async () => {
    await using home = await seededHome(server, { apps: { kept: 'fresh', gone: 'fresh' } })
    const at = (name: string) => join(home.directory, name)
    const file = (app: string, path: string) => ({ app, path: at(path), format: 'raw' })
    const [kept, gone] = [file('kept', 'kept.token'), file('gone', 'gone.token')]
    const apps = { kept: nativeApp(server), gone: nativeApp(server) }
    await rewrite(home, apps, { files: [kept, gone] })
    await using daemon = await startDaemonProcess(home)
    const token = await goodToken(daemon.socket, 'kept')
    const read = (name: string) => {
      try {
        return readFileSync(at(name), 'utf8')
      } catch {
        return undefined
      }
    }
    await until(
      'both token files are written',
      () => read('kept.token') === token && read('gone.token') !== undefined,
    )

    await rewrite(home, { kept: apps.kept }, { files: [kept, file('kept', 'more.token')] })
    expect((await runCli(home, ['reload'])).stderr).not.toContain('Restart')
    expect([read('kept.token'), read('gone.token'), read('more.token')]).toEqual([
      token,
      undefined,
      token,
    ])
  })
})

describe('a config that wants the vault key in another place than it is', () => {
  /** The problems of the daemon itself, as the owner sees them. */
  const problemsOf = async (daemon: DaemonProcess) =>
    (await ask(daemon.socket, '/v1/apps')).body.problems
  const elsewhere = {
    error: 'vault_key_elsewhere',
    message: "The config wants the vault key in the keychain, and this vault's is in the file.",
    hint: expect.stringContaining('Set "vault": { "key": "file" } (or "auto")') as string,
  }

  it('is told to the owner as a problem of the daemon until it is corrected', async () => {
    await using home = await seededHome(server, { apps: { me: 'fresh' } })
    const setKey = async (key: string) => {
      const before = JSON.parse(await readFile(home.config, 'utf8')) as object
      await home.write({ ...before, vault: { key } })
    }
    {
      await using daemon = await startDaemonProcess(home)
      expect(await problemsOf(daemon)).toEqual([])
      await setKey('keychain')
      await runCli(home, ['reload'])
      expect(await problemsOf(daemon)).toEqual([elsewhere])
      const told = await runCli(home, ['doctor'])
      expect(told.code).toBe(1)
      expect(told.stdout).toContain(`FAIL  daemon-itself: ${elsewhere.message}\n`)
      expect(told.stdout).toContain('Set "vault": { "key": "file" } (or "auto")')
      await goodToken(daemon.socket, 'me')
      await setKey('auto')
      await runCli(home, ['reload'])
      expect(await problemsOf(daemon)).toEqual([])
      await setKey('keychain')
    }
    await using locked = await startDaemonProcess(home)
    expect(await problemsOf(locked)).toEqual([elsewhere])
    const { stderr } = await runCli(home, ['status'])
    expect(stderr.match(/wants the vault key in the keychain/g)).toHaveLength(1)
  })
})
