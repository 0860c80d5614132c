/** `doctor`, against a real daemon and authorization server, with each check broken in turn. */
import { once } from 'node:events'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
import { ask } from '../faults/owner.ts'
import { createCertificates } from '../support/certificates.ts'
import { startEvoApi } from '../support/evo-api.ts'
import { signInByBrowser } from '../support/sign-in.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'

const SCOPES = ['evo.discovery', 'evo.workspace']

let server: RunningAuthorizationServer
let late: ReturnType<typeof createServer>
let home: Home
let daemon: DaemonProcess
let port: number

beforeAll(async () => {
  port = await freePort()
  const redirectUri = `http://localhost:${port}/callback`
  server = await startAuthorizationServer({ redirectUris: [redirectUri] })
  // An issuer whose clock goes an hour ahead.
  late = createServer((_, response) => {
    response.setHeader('Date', new Date(Date.now() + 3_600_000).toUTCString()).end('{}')
  }).listen(0, '127.0.0.1')
  await once(late, 'listening')
  const service = { type: 'service', clientId: server.clients.service.clientId, scopes: SCOPES }
  const native = { type: 'native', clientId: server.clients.native.clientId, scopes: SCOPES }
  home = await createHome({
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: {
      pipeline: service,
      me: { ...native, redirectUris: [redirectUri] },
      late: { ...service, issuer: `http://127.0.0.1:${(late.address() as AddressInfo).port}` },
      nowhere: { ...service, issuer: 'https://nobody.invalid' },
      elsewhere: { ...service, issuer: `${server.issuer}/nothing/here` },
    },
  })
  daemon = await startDaemonProcess(home)
  const { clientSecret } = server.clients.service
  await runCli(home, ['secret', 'pipeline'], { input: clientSecret })
})

afterAll(async () => {
  await daemon.stop()
  late.close()
  await home.remove()
  await server.close()
})

async function doctor(
  app: string,
  more: readonly string[] = [],
  at: Home = home,
  env: NodeJS.ProcessEnv = {},
) {
  const args = ['doctor', ...(app ? [app] : []), '--json', ...more]
  const { code, stdout, stderr } = await runCli(at, args, { env })
  expect(stderr).toBe('')
  const { ok, checks } = JSON.parse(stdout) as {
    ok: boolean
    checks: {
      id: string
      app: string | null
      ok: boolean
      detail: string
      hint: string | null
    }[]
  }
  expect(stdout).not.toMatch(/eyJ|evtk_|service-secret|native-evo|@/)
  expect(ok).toBe(checks.every((check) => check.ok))
  const details = Object.fromEntries(checks.map(({ id, detail }) => [id, detail]))
  return { code, checks, ids: checks.map(({ id }) => id), last: checks.at(-1), details }
}

describe('doctor', () => {
  it('asks Evo nothing with the token of another authorization server', async () => {
    const { code, ids } = await doctor('pipeline')
    expect(code).toBe(0)
    expect(ids.filter((id) => id.startsWith('evo'))).toEqual([])
    expect(ids.at(-1)).toBe('life')
  })

  it('climbs to the top where everything is well', async () => {
    await using api = await startEvoApi({ issuer: server.issuer })
    const { code, ids, last } = await doctor('pipeline', ['--discovery-url', api.url])
    expect({ code, ids }).toEqual({
      code: 0,
      ids: [
        ...['config', 'permissions', 'vault-key', 'daemon', 'vault', 'port', 'proxy'],
        ...['dns', 'http', 'clock', 'metadata', 'token', 'scopes', 'life'],
        ...['evo-discovery', 'evo-organizations', 'evo-workspaces'],
      ],
    })
    expect(last?.detail).toBe('2 workspaces')
  })

  it.each([
    ['nobody', 6, 'config', 'has no app named'],
    ['pipelin', 6, 'config', 'Did you mean "pipeline"?'],
    ['nowhere', 1, 'dns', 'nobody.invalid has no address'],
    ['late', 1, 'clock', 'seconds behind'],
    ['elsewhere', 1, 'metadata', 'publishes no metadata'],
    ['me', 3, 'token', 'sign'],
  ])('stops at what is wrong with %s', async (app, exit, check, words) => {
    const { code, last } = await doctor(app)
    expect({ code, last }).toMatchObject({ code: exit, last: { id: check, ok: false } })
    expect(last?.detail).toContain(words)
    expect(last?.hint).toBeTruthy()
  })

  it('says that the port of the redirect URI is taken', async () => {
    const taken = createTcpServer().listen(port, '127.0.0.1')
    await once(taken, 'listening')
    try {
      expect(await doctor('me')).toMatchObject({ code: 1, last: { id: 'redirect-uri', ok: false } })
    } finally {
      taken.close()
    }
  })

  it('knows the listener of a sign-in that waits', async () => {
    const path = '/v1/apps/me/login'
    const { id } = (await ask(daemon.socket, path, 'POST')).body
    const { details, last } = await doctor('me')
    expect(details['redirect-uri']).toBe(
      `the daemon answers at http://localhost:${port}/callback now, for a sign-in`,
    )
    expect(last).toMatchObject({ id: 'token' })
    await ask(daemon.socket, `${path}/${String(id)}`, 'DELETE')
    expect((await doctor('me')).details['redirect-uri']).toContain('is free')
  })

  it.each([
    ['evo-organizations', { organizations: [] }, 'no Evo instance'],
    ['evo-workspaces', { workspaces: [] }, 'No workspace'],
  ])('says what Evo lacks: %s', async (check, options, words) => {
    await using api = await startEvoApi({ issuer: server.issuer, ...options })
    const { code, last } = await doctor('pipeline', ['--discovery-url', api.url])
    expect({ code, last }).toMatchObject({ code: 1, last: { id: check } })
    expect(last?.detail).toContain(words)
  })

  it('lists what Evo lets the app see, by name only where that is wished for', async () => {
    await using api = await startEvoApi({ issuer: server.issuer, closedHubs: true })
    const { details } = await doctor('pipeline', ['--discovery-url', api.url])
    expect(details['evo-organizations']).toBe('1 instance; hubs: test, closed, gone')
    expect(details['evo-workspaces']).toMatch(
      /^2 workspaces\. .* gives nothing at 127\S+ \(404\), 127\.0\.0\.1:3 \(.*cannot be reached/,
    )
    const named = await doctor('pipeline', ['--discovery-url', api.url, '--names'])
    expect(named.details['evo-organizations']).toContain('(Test Mining)')
    expect(named.details['evo-workspaces']).toContain('(North pit, South pit)')
  })

  it('says that Evo refuses the token', async () => {
    await using api = await startEvoApi({ issuer: server.issuer })
    api.rejectNext()
    const { last } = await doctor('pipeline', ['--discovery-url', api.url])
    expect(last).toMatchObject({ id: 'evo-discovery', ok: false })
  })

  it('shows no token to an address without TLS', async () => {
    const ran = await runCli(home, ['doctor', '--discovery-url', 'http://192.0.2.1'])
    expect(ran).toMatchObject({ code: 1, stdout: '' })
  })

  it('does not run where any server could pose as Evo', async () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    const ran = await runCli(home, ['doctor'], { env })
    expect(ran).toMatchObject({ code: 2, stdout: '' })
  })

  it('says that there is no config, and that there is no daemon', async () => {
    await using empty = await createHome()
    expect(await doctor('me', [], empty)).toMatchObject({ code: 2, last: { id: 'config' } })
    await empty.write({
      apps: { me: { type: 'native', clientId: 'native-evo-me', scopes: SCOPES } },
    })
    expect(await doctor('me', [], empty)).toMatchObject({ code: 4, last: { id: 'daemon' } })
  })

  it('minds a taken port of the redirect URI no more once a person is signed in', async () => {
    const signedIn = await signInByBrowser(home, 'me')
    expect(signedIn).toMatchObject({ code: 0 })
    // Its page would be there for a minute.
    const path = '/v1/apps/me/login'
    const { id } = (await ask(daemon.socket, path, 'POST')).body
    await ask(daemon.socket, `${path}/${String(id)}`, 'DELETE')
    const taken = createTcpServer().listen(port, '127.0.0.1')
    await once(taken, 'listening')
    await using api = await startEvoApi({ issuer: server.issuer })
    try {
      expect(await doctor('me', ['--discovery-url', api.url])).toMatchObject({ code: 0 })
    } finally {
      taken.close()
    }
    await runCli(home, ['logout', 'me'])
  })

  it('is read by a person as lines', async () => {
    const { stdout, code } = await runCli(home, ['doctor', 'me'])
    expect(code).toBe(3)
    expect(stdout).toMatch(/^ok {4}config: 5 apps/m)
    expect(stdout).toMatch(/^FAIL {2}me: token: .*\n {6}\S/m)
  })

  it('looks at a server once for all of its apps, and goes on after one that is broken', async () => {
    await using api = await startEvoApi({ issuer: server.issuer })
    const { code, checks } = await doctor('', ['--discovery-url', api.url])
    expect(code).toBe(3)
    const of = (id: string) =>
      checks.filter((check) => check.id === id).map(({ app, ok }) => [app, ok])
    expect(of('dns')).toEqual([
      [null, true],
      ['late', true],
      ['nowhere', false],
      ['elsewhere', true],
    ])
    expect(of('token')).toEqual([
      ['pipeline', true],
      ['me', false],
    ])
  })

  it('says what others may reach into, and that the key of the vault is gone', async () => {
    await using own = await createHome({
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: {},
    })
    await (await startDaemonProcess(own)).stop()
    expect(await doctor('', [], own)).toMatchObject({ code: 4, last: { id: 'daemon' } })
    const key = join(own.stateDir, 'vault-key')
    chmodSync(key, 0o644)
    expect(await doctor('', [], own)).toMatchObject({
      code: 1,
      last: { id: 'permissions', hint: expect.stringContaining('chmod 600') as string },
    })
    rmSync(key)
    expect(await doctor('', [], own)).toMatchObject({ code: 1, last: { id: 'vault-key' } })
    chmodSync(own.stateDir, 0o755)
    const { last } = await doctor('', [], own)
    expect(last).toMatchObject({ id: 'permissions' })
    expect(last?.detail).toContain('chmod 700')
  })

  it('says that something else listens on the port of the daemon', async () => {
    const squatter = createServer((_, response) => response.end('{"status":"ok"}')).listen(0)
    await once(squatter, 'listening')
    await using own = await createHome()
    mkdirSync(own.stateDir, { mode: 0o700 })
    cpSync(join(home.stateDir, 'access-key'), join(own.stateDir, 'access-key'))
    cpSync(home.config, own.config)
    const url = `http://127.0.0.1:${(squatter.address() as AddressInfo).port}`
    writeFileSync(join(own.stateDir, 'endpoint.json'), JSON.stringify({ url, pid: 1 }), {
      mode: 0o600,
    })
    const found = await doctor('pipeline', ['--socket', daemon.socket], own)
    expect(found).toMatchObject({ code: 6, last: { id: 'port' } })
    squatter.close()
  })

  it('names the proxies of the environment, and what they would catch', async () => {
    const proxy = 'http://user:hidden-password@127.0.0.1:9'
    const { details } = await doctor('pipeline', [], home, { HTTP_PROXY: proxy })
    expect(details.proxy).toContain('HTTP_PROXY; NO_PROXY does not name 127.0.0.1')
    const spared = { HTTP_PROXY: proxy, NO_PROXY: 'localhost, 127.0.0.1' }
    expect((await doctor('pipeline', [], home, spared)).details.proxy).toBe('HTTP_PROXY, NO_PROXY')
    const bad = await doctor('pipeline', [], home, { HTTPS_PROXY: 'ftp://hidden-password' })
    expect(bad).toMatchObject({ code: 2, last: { id: 'proxy' } })
    expect(JSON.stringify(bad)).not.toContain('hidden-password')
    const left = await doctor('nowhere', [], home, { HTTPS_PROXY: proxy })
    expect(left).toMatchObject({
      code: 1,
      last: { id: 'tls' },
      details: { dns: expect.stringContaining('proxy') as string },
    })
  })

  itNeeds(missingCommands('openssl'))('says whose certificate is not trusted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'evo-tls-'))
    const [{ ca, key, cert }] = createCertificates(directory, 'localhost')
    const https = createHttpsServer({ key, cert }, (_, response) =>
      response.writeHead(404).end(),
    ).listen(0)
    await once(https, 'listening')
    const issuer = `https://localhost:${(https.address() as AddressInfo).port}`
    await using own = await createHome()
    const app = { type: 'service', clientId: 'x', scopes: SCOPES }
    const config = { issuer, listen: { port: 0 }, vault: { key: 'file' }, apps: { a: app } }
    await own.write(config)
    await using _daemon = await startDaemonProcess(own)
    const untrusted = await doctor('a', [], own)
    expect(untrusted).toMatchObject({ code: 1, last: { id: 'tls' } })
    expect(untrusted.last?.detail).toContain('not trusted')
    await own.write({ ...config, ca })
    expect(await doctor('a', [], own)).toMatchObject({ code: 1, last: { id: 'metadata' } })
    https.closeAllConnections()
    https.close()
    rmSync(directory, { recursive: true })
  })
})
