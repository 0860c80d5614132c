/** A person is told once of what only a person can do: by the command of the config, of a real daemon. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask } from './faults/owner.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { createHome, type Home, runCli, startDaemonProcess } from './support/daemon-process.ts'
import { freePort } from './support/free-port.ts'
import { signInByBrowser } from './support/sign-in.ts'
import { until } from './support/until.ts'

let server: RunningAuthorizationServer
let redirectUri: string

beforeAll(async () => {
  redirectUri = `http://localhost:${await freePort()}/signin-callback`
  server = await startAuthorizationServer({ accessTokenTtlS: 600, redirectUris: [redirectUri] })
})

afterAll(async () => {
  await server.close()
})

async function signIn(home: Home) {
  expect(await signInByBrowser(home, 'me')).toMatchObject({ code: 0 })
}

/** A home whose `notify.command` writes down its environment, one line each time. */
async function homeThatWrites() {
  const home = await createHome()
  const script = join(home.directory, 'told.sh')
  const told = join(home.directory, 'told')
  writeFileSync(
    script,
    `env | grep EVO_TOKEN_ | sort | tr '\\n' ';' >>'${told}'; echo >>'${told}'\n`,
  )
  await home.write({
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    notify: { command: ['sh', script] },
    apps: {
      me: {
        type: 'native',
        clientId: server.clients.native.clientId,
        redirectUris: [redirectUri],
        scopes: ['evo.discovery', 'offline_access'],
      },
    },
  })
  const lines = () =>
    existsSync(told) ? readFileSync(told, 'utf8').split('\n').filter(Boolean) : []
  return { home, lines }
}

it('before a session ends whose server says when, and after it was lost', async () => {
  const { home, lines } = await homeThatWrites()
  await using _home = home
  await using _daemon = await startDaemonProcess(home, { heartbeatMs: 100 })
  // Near its end from the first second on, as the daemon sees it: what a server of days would take days for.
  server.intercept = async (_request, act) => {
    const answer = await act()
    return { ...answer, body: { ...answer.body, refresh_expires_in: 2 } }
  }
  await signIn(home)
  await until('the owner is told that the session ends', () => lines().length > 0)
  expect(lines()).toHaveLength(1)
  expect(lines()[0]).toContain('EVO_TOKEN_APP=me;')
  expect(lines()[0]).toContain('EVO_TOKEN_EVENT=login_expires;')
  expect(lines()[0]).toMatch(
    /EVO_TOKEN_HINT=The sign-in to "me" ends on \d{4}-\d\d-\d\d \d\d:\d\d\. .*`evo-token login me`\.;/,
  )
  expect(await runCli(home, ['status', 'me'])).toMatchObject({
    stdout: expect.stringMatching(
      /session ends: .*\n[^]*what to do: .*evo-token login me/,
    ) as string,
  })
  expect((await runCli(home, ['status'])).stdout).toContain('session_expires')

  // A sign-in that lasts puts an end to it, and the owner is not told that.
  server.intercept = (_request, act) => act()
  await signIn(home)
  expect((await runCli(home, ['status'])).stdout).not.toContain('session_expires')
  server.intercept = async () => ({ status: 400, body: { error: 'invalid_grant' } })
  await runCli(home, ['refresh', 'me'])
  await until('the owner is told that the session was lost', lines, ({ length }) => length > 1)
  expect(lines()[1]).toContain('EVO_TOKEN_EVENT=login_required;')
  server.intercept = (_request, act) => act()
  await signIn(home)
  await until('the owner is told of the recovery', lines, ({ length }) => length > 2)
  expect(lines()[2]).toContain('EVO_TOKEN_EVENT=recovered;')
  expect(lines().join('')).not.toMatch(/eyJ|evtk_/)
})

it('once of what happens to all apps of one server', async () => {
  const { home, lines } = await homeThatWrites()
  await using _home = home
  const { clientId } = server.clients.service
  const app = { type: 'service', clientId, scopes: ['evo.discovery'] }
  const config = JSON.parse(readFileSync(home.config, 'utf8')) as object
  await home.write({ ...config, apps: { one: app, two: app, three: app } })
  await using daemon = await startDaemonProcess(home, { heartbeatMs: 100 })
  const names = ['one', 'two', 'three']
  const secret = { client_secret: server.clients.service.clientSecret }
  // By requests: commands would take so long that the missing secrets are told first.
  await Promise.all(
    names.map((name) => ask(daemon.socket, `/v1/apps/${name}/client-secret`, 'PUT', secret)),
  )
  // All at the same time, as an outage meets them: no process has to start for it.
  const waiting: (() => void)[] = []
  server.intercept = async () => {
    await new Promise<void>((answer) => {
      waiting.push(answer)
      if (waiting.length === 3) for (const go of waiting) go()
    })
    return { status: 401, body: { error: 'invalid_client' } }
  }
  const refresh = (name: string) => ask(daemon.socket, `/v1/apps/${name}/refresh`, 'POST')
  await Promise.all(names.map(refresh))
  await until('the owner is told', () => lines().length > 0)
  expect(lines()).toHaveLength(1)
  const told = /EVO_TOKEN_APP=([^;]*)/.exec(lines()[0] ?? '')?.[1]?.split(' ')
  expect(told?.sort()).toEqual(['one', 'three', 'two'])
  server.intercept = (_request, act) => act()
})
