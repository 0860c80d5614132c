/** What authorization servers do that Evo's does not: the built program, against real and scripted ones. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { TokenClient } from '../src/client/index.ts'
import { sha256Hex } from '../src/secret.ts'
import { noOwnClock, startOnOwnClock } from './faults/own-clock.ts'
import { isFresh, statusOf, untilStatus } from './faults/owner.ts'
import { seededHome } from './faults/seeded-home.ts'
import {
  type AuthorizationServerOptions,
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { createClientKey, keyClient } from './support/client-keys.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from './support/daemon-process.ts'
import { type FaultyServer, startFaultyServer } from './support/faulty-server.ts'
import { freePort } from './support/free-port.ts'
import { itNeeds, missingCommands } from './support/needs.ts'
import { signInByBrowser } from './support/sign-in.ts'

const SCOPES = ['evo.discovery', 'evo.workspace']
const DAY_S = 86_400

/** A server that says of no access token how long it lives. */
async function startSilentServer(
  options: AuthorizationServerOptions = {},
): Promise<RunningAuthorizationServer> {
  const server = await startAuthorizationServer({ accessTokenFormat: 'opaque', ...options })
  server.intercept = async (_request, act) => {
    const { body, ...answer } = await act()
    const { expires_in, ...rest } = body
    return { ...answer, body: rest }
  }
  return server
}

async function homeFor(issuer: string, apps: object, config: object = {}): Promise<Home> {
  return createHome({ issuer, listen: { port: 0 }, vault: { key: 'file' }, apps, ...config })
}

function robotOf({ clients }: RunningAuthorizationServer, settings: object = {}) {
  return { type: 'service', clientId: clients.service.clientId, scopes: SCOPES, ...settings }
}

async function tcp(home: Home, daemon: DaemonProcess, path: string, init: RequestInit = {}) {
  const key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(`${daemon.url}${path}`, { ...init, headers })
}

describe('a token that does not end', () => {
  const ENDLESS = { accessTokenLifetime: 'none' }

  it('is served for ever, and every door and every command says so with null', async () => {
    await using server = await startSilentServer()
    await using home = await homeFor(server.issuer, { robot: robotOf(server, ENDLESS) })
    const first = await startDaemonProcess(home)
    const input = server.clients.service.clientSecret
    expect(await runCli(home, ['secret', 'robot'], { input })).toMatchObject({ code: 0 })
    expect(await first.stop()).toBe(0)
    // What was stored says so, too.
    await using daemon = await startDaemonProcess(home)

    const answer = await tcp(home, daemon, '/v1/apps/robot/token?min_ttl=31536000')
    expect(await answer.json()).toMatchObject({ expires_in: null, expires_at: null })
    expect(await (await tcp(home, daemon, '/v1/apps/robot')).json()).toMatchObject({
      session: 'active',
      freshness: 'fresh',
      expires_at: null,
      refresh_at: null,
    })
    const metrics = await (await tcp(home, daemon, '/metrics')).text()
    expect(metrics).toContain('evo_token_app_ready{app="robot"} 1')
    expect(metrics).not.toContain('expiry_timestamp_seconds{')

    const got = await runCli(home, ['get', 'robot', '--json', '--min-ttl', '31536000'])
    expect(JSON.parse(got.stdout)).toMatchObject({ expires_in: null, expires_at: null })
    const token = (await runCli(home, ['get', 'robot'])).stdout
    expect((await runCli(home, ['status'])).stdout).toMatch(/robot .* fresh +no end /)
    expect((await runCli(home, ['status', 'robot'])).stdout).toMatch(/^expires: +never$/m)
    expect(
      await runCli(home, ['run', 'robot', '--', 'sh', '-c', 'echo "$EVO_ACCESS_TOKEN"']),
    ).toMatchObject({ code: 0, stdout: token })
    expect(server.requests).toHaveLength(1)

    // Until an API refuses it.
    const body = JSON.stringify({ rejected_sha256: sha256Hex(token.trim()) })
    const other = await tcp(home, daemon, '/v1/apps/robot/refresh', { method: 'POST', body })
    const { access_token: next, expires_in } = (await other.json()) as Record<string, unknown>
    expect(expires_in).toBeNull()
    expect(next).not.toBe(token.trim())
    expect(server.requests).toHaveLength(2)
  })

  it('is told by a sign-in, which then needs no refresh token', async () => {
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using server = await startSilentServer({ redirectUris: [redirectUri] })
    const { clientId } = server.clients.native
    const me = { type: 'native', clientId, redirectUris: [redirectUri], scopes: SCOPES, ...ENDLESS }
    await using home = await homeFor(server.issuer, { me })
    await using _daemon = await startDaemonProcess(home)
    const signedIn = await signInByBrowser(home, 'me')
    expect(signedIn).toMatchObject({ code: 0 })
    expect(signedIn.stderr).toContain('The token does not end.')
    expect(signedIn.stderr).not.toContain('sign in again')
  })

  it('ends all the same where the server says so', async () => {
    await using server = await startAuthorizationServer({ accessTokenTtlS: 600 })
    await using home = await homeFor(server.issuer, { robot: robotOf(server, ENDLESS) })
    await using daemon = await startDaemonProcess(home)
    await runCli(home, ['secret', 'robot'], { input: server.clients.service.clientSecret })
    const { expires_in } = (await (await tcp(home, daemon, '/v1/apps/robot/token')).json()) as {
      expires_in: number
    }
    expect(expires_in).toBeGreaterThan(590)
    expect(expires_in).toBeLessThanOrEqual(600)
  })

  it('is taken by the clients for JavaScript, Python and the shell', async () => {
    await using server = await startSilentServer()
    await using home = await homeFor(server.issuer, { robot: robotOf(server, ENDLESS) })
    await using daemon = await startDaemonProcess(home)
    await runCli(home, ['secret', 'robot'], { input: server.clients.service.clientSecret })
    const token = (await runCli(home, ['get', 'robot'])).stdout.trim()

    const keyFile = join(home.stateDir, 'access-key')
    const client = new TokenClient({ url: daemon.url, keyFile })
    const held = await client.getToken('robot', { minTtlS: 3600 })
    expect(held).toMatchObject({ value: token, expiresAt: null, remainingS: Infinity })
    expect(await client.getToken('robot')).toBe(held)

    if (missingCommands('python3') === undefined) {
      const script =
        'from evo_token import get_token; t = get_token("robot", min_ttl=3600); print(t.value, t.expires_at, t.is_fresh)'
      const env = { ...home.env, PYTHONPATH: join(import.meta.dirname, '../clients/python/src') }
      const { stdout } = spawnSync('python3', ['-c', script], { env, encoding: 'utf8' })
      expect(stdout).toBe(`${token} None True\n`)
    }
    if (missingCommands('curl') === undefined) {
      const { stdout: functions } = await runCli(home, ['shell-init'])
      const script = `${functions}\nevo_token robot`
      const { stdout } = spawnSync('sh', ['-c', script], { env: home.env, encoding: 'utf8' })
      expect(stdout).toBe(`${token}\n`)
    }
  })
})

describe('a lifetime that the config assumes', () => {
  it('is what a token lives of which nothing is said', async () => {
    await using server = await startSilentServer()
    const robot = robotOf(server, { accessTokenLifetime: '2h' })
    await using home = await homeFor(server.issuer, { robot })
    await using _daemon = await startDaemonProcess(home)
    await runCli(home, ['secret', 'robot'], { input: server.clients.service.clientSecret })
    const { stdout } = await runCli(home, ['get', 'robot', '--json'])
    const { expires_in } = JSON.parse(stdout) as { expires_in: number }
    expect(expires_in).toBeGreaterThan(7_100)
    expect(expires_in).toBeLessThanOrEqual(7_200)
  })
})

describe('a session that must not rest', () => {
  itNeeds(noOwnClock())('is refreshed at least as often as the config says', async () => {
    await using server = await startSilentServer()
    await using home = await seededHome(server, {
      app: { accessTokenLifetime: 'none' },
      config: { refresh: { atLeast: '80d' } },
    })
    await using daemon = startOnOwnClock(home)
    const socket = await daemon.socket
    const before = await untilStatus(
      socket,
      'me',
      (status) => isFresh(status) && server.count('refresh_token') === 1,
    )
    const { refresh_at: at, refreshed_at: since } = (await statusOf(socket, 'me')) as unknown as {
      refresh_at: string
      refreshed_at: string
    }
    expect(Date.parse(at) - Date.parse(since)).toBe(80 * DAY_S * 1000)

    daemon.set(79 * DAY_S)
    await daemon.logged((line) => line.clocks === 'jumped')
    expect((await statusOf(socket, 'me')).fingerprint).toBe(before.fingerprint)
    expect(server.count('refresh_token')).toBe(1)
    daemon.set(81 * DAY_S)
    await untilStatus(socket, 'me', ({ fingerprint }) => fingerprint !== before.fingerprint)
    expect(server.requests.map(({ generation }) => generation)).toEqual([0, 1])
  })
})

describe('more parameters for the token endpoint', () => {
  it('go with a sign-in and each refresh after it', async () => {
    const redirectUri = `http://localhost:${await freePort()}/signin-callback`
    await using server = await startAuthorizationServer({ redirectUris: [redirectUri] })
    const { clientId } = server.clients.native
    const tokenParameters = { audience: 'https://api.example', 'x-tenant': 'ä b' }
    const scopes = [...SCOPES, 'offline_access']
    const me = { type: 'native', clientId, redirectUris: [redirectUri], scopes, tokenParameters }
    await using home = await homeFor(server.issuer, { me })
    await using _daemon = await startDaemonProcess(home)
    expect(await signInByBrowser(home, 'me')).toMatchObject({ code: 0 })
    expect(await runCli(home, ['refresh', 'me'])).toMatchObject({ code: 0 })
    const sent = server.requests.map(({ grantType, form }) => [
      grantType,
      form.get('audience'),
      form.get('x-tenant'),
    ])
    expect(sent).toEqual([
      ['authorization_code', 'https://api.example', 'ä b'],
      ['refresh_token', 'https://api.example', 'ä b'],
    ])
  })
})

describe('a private key in place of a client secret', () => {
  const BY_KEY = { tokenEndpointAuthMethod: 'private_key_jwt' }
  const robot = (settings: object = {}) => ({
    type: 'service',
    clientId: 'robot',
    scopes: SCOPES,
    ...settings,
  })

  it('is stored by the command line, proven, and used after a restart', async () => {
    const { jwk, publicJwk } = createClientKey('rsa-4096')
    const named = { kid: 'key-7', alg: 'PS256' }
    await using server = await startAuthorizationServer({
      clients: [keyClient('robot', { ...publicJwk, ...named }, 'PS256')],
    })
    await using home = await homeFor(server.issuer, { robot: robot(BY_KEY) })
    const first = await startDaemonProcess(home)
    expect(await runCli(home, ['get', 'robot'])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('evo-token secret robot --private-key FILE') as string,
    })
    const input = JSON.stringify({ ...jwk, ...named }, null, 2)
    const stored = await runCli(home, ['secret', 'robot', '--private-key', '-'], { input })
    expect(stored).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('its authorization server accepted it') as string,
    })
    expect(await first.stop()).toBe(0)
    await using second = await startDaemonProcess(home)
    expect(await runCli(home, ['get', 'robot'])).toMatchObject({ code: 0 })
    expect(await runCli(home, ['refresh', 'robot'])).toMatchObject({ code: 0 })
    const headers = server.requests.map(({ form }) =>
      decodeProtectedHeader(form.get('client_assertion') ?? ''),
    )
    expect(headers).toEqual([named, named])
    const log = [...first.log, ...second.log].map((line) => JSON.stringify(line)).join('\n')
    expect(log).not.toContain(String(jwk.d).slice(0, 20))
  })

  it('is refused with words where the app has a secret, and a secret where it has a key', async () => {
    const { pem, publicJwk } = createClientKey('ec')
    await using server = await startAuthorizationServer({
      clients: [keyClient('robot', publicJwk, 'ES256')],
    })
    await using home = await homeFor(server.issuer, {
      robot: robot(BY_KEY),
      plain: robot(),
      site: {
        ...robot(),
        type: 'web',
        redirectUris: ['http://localhost:3000/callback'],
        scopes: [...SCOPES, 'offline_access'],
      },
    })
    await using _daemon = await startDaemonProcess(home)
    const file = join(home.directory, 'key.pem')
    writeFileSync(file, pem)
    for (const app of ['plain', 'site']) {
      expect(await runCli(home, ['secret', app, '--private-key', file])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/"tokenEndpointAuthMethod" to "private_key_jwt"/) as string,
      })
      // As its first line, by the way of a secret.
      expect(await runCli(home, ['secret', app], { input: pem })).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('A private key goes in with --private-key FILE') as string,
      })
    }
    expect(await runCli(home, ['secret', 'robot'], { input: 's3cret' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('evo-token secret robot --private-key FILE') as string,
    })
    expect(server.requests).toEqual([])
  })

  it('that the server does not know changes nothing', async () => {
    const { publicJwk } = createClientKey('ec')
    await using server = await startAuthorizationServer({
      clients: [keyClient('robot', publicJwk, 'ES256')],
    })
    await using home = await homeFor(server.issuer, { robot: robot(BY_KEY) })
    await using _daemon = await startDaemonProcess(home)
    const input = createClientKey('ec').pem
    const refused = await runCli(home, ['secret', 'robot', '--private-key', '-'], { input })
    expect(refused.code).toBe(7)
    expect(refused.stderr).toContain('refuses this private key')
    expect(refused.stderr).toContain('Nothing was changed')
    expect(refused.stderr).toContain('tokenEndpointAuthMethod')
    expect(await runCli(home, ['get', 'robot'])).toMatchObject({ code: 7 })
  })

  it('can be a systemd credential; one that is no key is warned of', async () => {
    const { pem, publicJwk } = createClientKey('rsa')
    await using server = await startAuthorizationServer({
      clients: [keyClient('robot', publicJwk)],
    })
    await using home = await homeFor(server.issuer, { robot: robot(BY_KEY), other: robot(BY_KEY) })
    const directory = join(home.directory, 'credentials')
    mkdirSync(directory, { mode: 0o700 })
    writeFileSync(join(directory, 'robot.client-secret'), pem, { mode: 0o400 })
    writeFileSync(join(directory, 'other.client-secret'), 's3cret', { mode: 0o400 })
    chmodSync(directory, 0o500)
    const env = { CREDENTIALS_DIRECTORY: directory }
    await using daemon = await startDaemonProcess(home, { env })
    expect(await runCli(home, ['get', 'robot'])).toMatchObject({ code: 0 })
    expect(await runCli(home, ['get', 'other'])).toMatchObject({ code: 7 })
    const warning = await daemon.logged(({ msg }) => msg.startsWith('a systemd credential'))
    expect(warning).toMatchObject({ app: 'other', level: 'warn' })
    expect(JSON.stringify(warning)).not.toContain('s3cret')
  })
})

describe('a server that shows its oddities', () => {
  /** A server with metadata, whose token endpoint answers with `body` as `type`. */
  async function startOddServer(
    status: number,
    body: string,
    type: string,
    metadata: object = {},
  ): Promise<FaultyServer> {
    const server = await startFaultyServer()
    const issuer = server.url
    server.respondWith(({ path }, response) => {
      const atToken = path === '/token'
      const known = { issuer, token_endpoint: `${issuer}/token`, ...metadata }
      response
        .writeHead(atToken ? status : 200, { 'content-type': atToken ? type : 'application/json' })
        .end(atToken ? body : JSON.stringify(known))
    })
    return server
  }

  const robot = { type: 'service', clientId: 'robot', scopes: SCOPES }
  const FORM = 'application/x-www-form-urlencoded; charset=utf-8'

  it('is understood where it answers in form encoding', async () => {
    const body = 'access_token=gho_16C7&scope=repo%2Cgist&token_type=bearer'
    await using server = await startOddServer(200, body, FORM)
    await using home = await homeFor(server.url, {
      robot: { ...robot, accessTokenLifetime: 'none' },
    })
    await using _daemon = await startDaemonProcess(home)
    expect(await runCli(home, ['secret', 'robot'], { input: 's3cret' })).toMatchObject({ code: 0 })
    expect(await runCli(home, ['get', 'robot'])).toMatchObject({ code: 0, stdout: 'gho_16C7\n' })
  })

  it('is understood where it refuses in form encoding', async () => {
    const body = 'error=invalid_client&error_description=The+client+id+is+wrong.'
    await using server = await startOddServer(401, body, FORM)
    await using home = await homeFor(server.url, { robot })
    await using _daemon = await startDaemonProcess(home)
    const refused = await runCli(home, ['secret', 'robot'], { input: 's3cret' })
    expect(refused.code).toBe(7)
    expect(refused.stderr).toContain('invalid_client')
    expect(refused.stderr).toContain('The client id is wrong.')
  })

  it('is told to issue other tokens where they are no bearer tokens, and the new refresh token is kept', async () => {
    await using server = await startAuthorizationServer()
    server.intercept = async (_request, act) => {
      const answer = await act()
      return { ...answer, body: { ...answer.body, token_type: 'DPoP' } }
    }
    await using home = await seededHome(server)
    const first = await startDaemonProcess(home)
    const status = await untilStatus(
      first.socket,
      'me',
      ({ session }) => session === 'misconfigured',
    )
    expect(status.last_error).toMatchObject({
      error: 'no_bearer_token',
      message: expect.stringContaining('of the type "DPoP"') as string,
    })
    expect(await first.stop()).toBe(0)
    server.intercept = (_request, act) => act()
    await using second = await startDaemonProcess(home)
    await untilStatus(second.socket, 'me', isFresh)
    expect(server.requests.map(({ generation }) => generation)).toEqual([0, 1])
  })

  it('gets the client secret in the header where its metadata list nothing else', async () => {
    const body = '{"access_token":"at","token_type":"Bearer","expires_in":600}'
    const metadata = { token_endpoint_auth_methods_supported: ['client_secret_basic'] }
    await using server = await startOddServer(200, body, 'application/json', metadata)
    await using home = await homeFor(server.url, { robot })
    const first = await startDaemonProcess(home)
    expect(await runCli(home, ['secret', 'robot'], { input: 's3cret' })).toMatchObject({ code: 0 })
    expect(await first.stop()).toBe(0)
    // What is remembered of the metadata says so, too.
    await using _second = await startDaemonProcess(home)
    // The token is the same one again, which `refresh` does not take for a new one.
    expect(await runCli(home, ['refresh', 'robot'])).toMatchObject({ code: 5 })
    const sent = server.seen.filter(({ path }) => path === '/token')
    expect(sent).toHaveLength(2)
    for (const { headers, form } of sent) {
      expect(headers.authorization).toBe(`Basic ${Buffer.from('robot:s3cret').toString('base64')}`)
      expect(form.has('client_secret')).toBe(false)
    }
  })
})
