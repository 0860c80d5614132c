/** The built program in a home of its own, against a real authorization server: a person's whole way. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from './support/daemon-process.ts'
import { freePort } from './support/free-port.ts'
import { signInByBrowser } from './support/sign-in.ts'
import { until } from './support/until.ts'

const SCOPES = ['evo.discovery', 'evo.workspace']

let server: RunningAuthorizationServer
let redirectUri: string

beforeAll(async () => {
  redirectUri = `http://localhost:${await freePort()}/signin-callback`
  server = await startAuthorizationServer({ accessTokenTtlS: 8, redirectUris: [redirectUri] })
})

afterAll(async () => {
  await server.close()
})

/** What `init` writes, with a port that is free and the key where no keychain is needed. */
async function homeFor(apps: object): Promise<Home> {
  return createHome({
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    refresh: { retryMin: '1s' },
    apps,
  })
}

const me = () => ({
  type: 'native',
  clientId: server.clients.native.clientId,
  redirectUris: [redirectUri],
  scopes: [...SCOPES, 'offline_access'],
})

const pipeline = () => ({
  type: 'service',
  clientId: server.clients.service.clientId,
  scopes: SCOPES,
})

async function statusOf(home: Home, app: string) {
  const { stdout } = await runCli(home, ['status', app, '--json'])
  return JSON.parse(stdout) as Record<string, unknown>
}

async function overTcp(home: Home, daemon: DaemonProcess, path: string) {
  const key = (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()
  const answer = await fetch(`${daemon.url}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

describe('a person and a native app', () => {
  it('goes from init to a token, and the token stays fresh', async () => {
    await using home = await createHome()
    const init = await runCli(home, [
      'init',
      ...['--yes', '--name', 'evo-me', '--type', 'native', '--issuer', server.issuer],
      ...['--client-id', server.clients.native.clientId, '--redirect-uri', redirectUri],
      ...['--vault-key', 'file'],
      ...[...SCOPES, 'offline_access'].flatMap((scope) => ['--scope', scope]),
    ])
    expect(init).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('evo-token login evo-me') as string,
    })
    expect(await runCli(home, ['config', 'check'])).toMatchObject({ code: 0 })
    const written = JSON.parse(await readFile(home.config, 'utf8')) as object
    await home.write({ ...written, listen: { port: 0 } })

    await using daemon = await startDaemonProcess(home)
    expect(await runCli(home, ['get', 'evo-me'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('evo-token login evo-me') as string,
    })

    const signedIn = await signInByBrowser(home, 'evo-me')
    expect(signedIn).toMatchObject({ code: 0 })
    expect(signedIn.stdout + signedIn.stderr).toContain('ada@example.com')

    const first = await runCli(home, ['get', 'evo-me'])
    expect(first.code).toBe(0)
    const served = await overTcp(home, daemon, '/v1/apps/evo-me/token')
    expect(served).toMatchObject({ status: 200, body: { access_token: first.stdout.trim() } })

    // Refreshed without a request, with a new refresh token each time.
    await until(
      'the token was refreshed twice',
      () => server.count('refresh_token', server.clients.native.clientId),
      (count) => count >= 2,
    )
    await until(
      'another token is served',
      async () => (await overTcp(home, daemon, '/v1/apps/evo-me/token')).body,
      ({ access_token: token }) => token !== first.stdout.trim(),
    )
    expect((await runCli(home, ['get', 'evo-me'])).stdout).not.toBe(first.stdout)
    const generations = server.requests
      .filter(({ grantType }) => grantType === 'refresh_token')
      .map(({ generation }) => generation)
    expect(generations.slice(0, 2)).toEqual([0, 1])

    const before = await statusOf(home, 'evo-me')
    expect(before).toMatchObject({ session: 'active', last_error: null })

    // Logout revokes: the provider refuses the refresh token that was the newest.
    const out = await runCli(home, ['logout', 'evo-me'])
    expect(out).toMatchObject({ code: 0 })
    const newest = server.requests.filter(({ grantType }) => grantType === 'refresh_token').at(-1)
    const refreshToken = String(newest?.answer?.body.refresh_token)
    const again = await fetch(`${server.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: server.clients.native.clientId,
        refresh_token: refreshToken,
      }),
    })
    expect(await again.json()).toMatchObject({ error: 'invalid_grant' })
    expect(await runCli(home, ['get', 'evo-me'])).toMatchObject({ code: 3 })

    expect(await daemon.stop('SIGTERM')).toBe(0)
    expect(JSON.stringify(daemon.log)).not.toContain(first.stdout.trim())
  })

  it('is joined by another app that init adds, once the config is read again', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    await using _daemon = await startDaemonProcess(home)
    const before = JSON.parse(await readFile(home.config, 'utf8')) as { apps: object }
    const added = await runCli(home, [
      ...['init', '--yes', '--name', 'evo-robot', '--type', 'service'],
      ...['--client-id', server.clients.service.clientId],
    ])
    expect(added).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('evo-token secret evo-robot') as string,
    })
    const after = JSON.parse(await readFile(home.config, 'utf8')) as { apps: object }
    expect(after).toMatchObject(before)
    expect(Object.keys(after.apps)).toEqual(['evo-me', 'evo-robot'])
    expect(await runCli(home, ['reload'])).toMatchObject({
      stderr: expect.stringContaining('added: evo-robot\n') as string,
    })
    const input = server.clients.service.clientSecret
    expect(await runCli(home, ['secret', 'evo-robot'], { input })).toMatchObject({ code: 0 })
    expect(await runCli(home, ['get', 'evo-robot'])).toMatchObject({ code: 0 })
  })

  it('finds its session again after a restart, without asking the server', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    const first = await startDaemonProcess(home)
    expect(await signInByBrowser(home, 'evo-me')).toMatchObject({ code: 0 })
    const token = await runCli(home, ['get', 'evo-me'])
    expect(await first.stop()).toBe(0)
    const asked = server.requests.length
    await using _second = await startDaemonProcess(home)
    expect((await runCli(home, ['get', 'evo-me'])).stdout).toBe(token.stdout)
    expect(server.requests.length).toBe(asked)
  })

  it('is told by the command line, and by the page, what the server refused', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    await using _daemon = await startDaemonProcess(home)
    const signedIn = await signInByBrowser(home, 'evo-me', { cancel: true })
    expect(signedIn.code).toBe(1)
    expect(signedIn.stderr).toContain('access_denied')
  })
})

describe('a service app', () => {
  it('says that its secret is wrong, takes the right one, and is renewed by itself', async () => {
    await using home = await homeFor({ 'evo-pipeline': pipeline() })
    await using daemon = await startDaemonProcess(home)
    expect(await runCli(home, ['get', 'evo-pipeline'])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('evo-token secret evo-pipeline') as string,
    })
    const wrong = await runCli(home, ['secret', 'evo-pipeline'], { input: 'not-the-secret\n' })
    expect(wrong).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('invalid_client') as string,
    })
    expect(wrong.stderr + wrong.stdout).not.toContain('not-the-secret')
    const { clientSecret } = server.clients.service
    const right = await runCli(home, ['secret', 'evo-pipeline'], { input: `${clientSecret}\n` })
    expect(right).toMatchObject({ code: 0 })
    const first = await runCli(home, ['get', 'evo-pipeline'])
    expect(first.code).toBe(0)
    await until(
      'another token is served',
      () => overTcp(home, daemon, '/v1/apps/evo-pipeline/token'),
      ({ status, body }) => status === 200 && body.access_token !== first.stdout.trim(),
    )
  })
})

describe('the daemon', () => {
  it('takes over apps that were added to the config, and lets go of those that were removed', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    await using daemon = await startDaemonProcess(home)
    await home.write({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: { 'evo-pipeline': pipeline() },
    })
    expect(await runCli(home, ['reload'])).toMatchObject({ code: 0 })
    expect(await overTcp(home, daemon, '/v1/apps')).toMatchObject({
      body: { apps: [{ app: 'evo-pipeline' }] },
    })
    await home.write({ apps: { 'evo-me': { type: 'natvie' } } })
    const bad = await runCli(home, ['reload'])
    expect(bad.code).toBe(2)
    expect(bad.stderr).toContain('apps.evo-me.type')
    expect(await overTcp(home, daemon, '/v1/apps/evo-pipeline')).toMatchObject({ status: 200 })
  })

  it('is refused a state directory that another one uses, and names that one', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    await using daemon = await startDaemonProcess(home)
    const second = await runCli(home, ['serve'])
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(String(daemon.pid)) as string,
    })
    expect(await runCli(home, ['status'])).toMatchObject({ code: 0 })
  })

  it('says which port is taken', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    await using daemon = await startDaemonProcess(home)
    const { port } = new URL(daemon.url)
    await using other = await createHome({
      issuer: server.issuer,
      listen: { port: Number(port) },
      vault: { key: 'file' },
      apps: { 'evo-me': me() },
    })
    const refused = await runCli(other, ['serve'])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(port) as string })
  })

  it('keeps its files to their owner from the moment they are made', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    await using _daemon = await startDaemonProcess(home)
    const modes = await Promise.all(
      ['state', 'run', 'state/access-key', 'state/endpoint.json', 'run/owner.sock'].map(
        async (path) => [path, (await stat(join(home.directory, path))).mode & 0o777],
      ),
    )
    expect(Object.fromEntries(modes)).toEqual({
      state: 0o700,
      run: 0o700,
      'state/access-key': 0o600,
      'state/endpoint.json': 0o600,
      'run/owner.sock': 0o600,
    })
  })

  it('does not start with a setting of Node that would open it', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    expect(await runCli(home, ['serve'], { env: { NODE_DEBUG: 'tls' } })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('NODE_DEBUG') as string,
    })
  })

  it('is not running, say all commands that need it, and how to start it', async () => {
    await using home = await homeFor({ 'evo-me': me() })
    for (const command of [['get', 'evo-me'], ['status'], ['caller', 'list']]) {
      expect(await runCli(home, command)).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('evo-token serve') as string,
      })
    }
  })
})

describe('callers', () => {
  it('get what they were given, and nothing once they are removed', async () => {
    await using home = await homeFor({ 'evo-me': me(), 'evo-pipeline': pipeline() })
    await using daemon = await startDaemonProcess(home)
    await runCli(home, ['secret', 'evo-pipeline'], {
      input: server.clients.service.clientSecret,
    })
    const added = await runCli(home, ['caller', 'add', 'notebook', '--app', 'evo-pipeline'])
    expect(added.stdout).toMatch(/^evtk_\S+\n$/)
    const ask = async (app: string) => {
      const headers = { authorization: `Bearer ${added.stdout.trim()}` }
      return (await fetch(`${daemon.url}/v1/apps/${app}/token`, { headers })).status
    }
    expect(await ask('evo-pipeline')).toBe(200)
    expect(await ask('evo-me')).toBe(404)
    expect(await runCli(home, ['caller', 'list'])).toMatchObject({
      stdout: expect.stringContaining('notebook') as string,
    })
    expect(await runCli(home, ['caller', 'remove', 'notebook'])).toMatchObject({ code: 0 })
    expect(await ask('evo-pipeline')).toBe(401)
    const files = await readFile(join(home.stateDir, 'callers.json'), 'utf8')
    expect(files).not.toContain(added.stdout.trim())
  })
})
