/** `doctor`, against a real daemon and authorization server, with each rung broken in turn. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
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
import { startEvoApi } from '../support/evo-api.ts'
import { createPerson } from '../support/person.ts'
import { freePort } from '../support/free-port.ts'

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

async function doctor(app: string, more: readonly string[] = [], at = home) {
  const { code, stdout, stderr } = await runCli(at, ['doctor', app, '--json', ...more])
  expect(stderr).toBe('')
  const { ok, rungs } = JSON.parse(stdout) as {
    ok: boolean
    rungs: { id: string; ok: boolean; detail: string; hint: string | null }[]
  }
  expect(stdout).not.toMatch(/eyJ|evtk_|service-secret|native-evo|@/)
  expect(ok).toBe(rungs.every((rung) => rung.ok))
  return { code, ids: rungs.map(({ id }) => id), last: rungs.at(-1) }
}

describe('doctor', () => {
  it('climbs to the top where everything is well', async () => {
    await using api = await startEvoApi({ issuer: server.issuer })
    const { code, ids, last } = await doctor('pipeline', ['--discovery-url', api.url])
    expect({ code, ids }).toEqual({
      code: 0,
      ids: [
        ...['config', 'daemon', 'issuer', 'clock', 'metadata', 'token', 'scopes', 'life'],
        ...['evo-discovery', 'evo-organizations', 'evo-workspaces'],
      ],
    })
    expect(last?.detail).toBe('2 workspaces')
  })

  it.each([
    ['nobody', 6, 'config', 'has no app named'],
    ['nowhere', 1, 'issuer', 'nobody.invalid cannot be reached'],
    ['late', 1, 'clock', 'seconds behind'],
    ['elsewhere', 1, 'metadata', 'publishes no metadata'],
    ['me', 3, 'token', 'sign'],
  ])('stops at what is wrong with %s', async (app, exit, rung, words) => {
    const { code, last } = await doctor(app)
    expect({ code, last }).toMatchObject({ code: exit, last: { id: rung, ok: false } })
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

  it.each([
    ['evo-organizations', { organizations: [] }, 'no Evo instance'],
    ['evo-workspaces', { workspaces: [] }, 'No workspace'],
  ])('says what Evo lacks: %s', async (rung, options, words) => {
    await using api = await startEvoApi({ issuer: server.issuer, ...options })
    const { code, last } = await doctor('pipeline', ['--discovery-url', api.url])
    expect({ code, last }).toMatchObject({ code: 1, last: { id: rung } })
    expect(last?.detail).toContain(words)
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

  it('does not run where anybody could pose as Evo', async () => {
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

  it('minds a taken port of the redirect URI no more once somebody is signed in', async () => {
    const person = createPerson('ada')
    const signedIn = await runCli(home, ['login', 'me', '--no-browser'], {
      onOutput: async (said) => {
        const link = /https?:\/\/\S+/.exec(said)?.[0]
        if (link) await person.visit(link)
      },
    })
    expect(signedIn).toMatchObject({ code: 0 })
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
})
