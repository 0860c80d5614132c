/** A service app without its record, or signed out: it asks for its secret, at every door, and never for a person. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { createHome, type Home, runCli, startDaemonProcess } from '../support/daemon-process.ts'
import { until } from '../support/until.ts'
import { ask, goodToken, statusOf, untilStatus } from './owner.ts'
import { recordPath } from './seeded-home.ts'

const APP = 'pipeline'
const NO_PERSON = /evo-token login/

async function serviceHome(issuer: string, clientId: string): Promise<Home> {
  const home = await createHome()
  const told = join(home.directory, 'told')
  const script = join(home.directory, 'told.sh')
  writeFileSync(script, `echo "$EVO_TOKEN_EVENT $EVO_TOKEN_HINT" >>'${told}'\n`)
  writeFileSync(told, '')
  await home.write({
    issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    notify: { command: ['sh', script] },
    apps: { [APP]: { type: 'service', clientId, scopes: ['evo.discovery'] } },
  })
  return home
}

/** What every door says of an app that has no secret. */
async function expectAskedForSecret(home: Home, socket: string): Promise<void> {
  const told = await ask(socket, `/v1/apps/${APP}/token`)
  expect(told).toMatchObject({
    status: 409,
    body: {
      error: 'misconfigured',
      hint: expect.stringContaining(`evo-token secret ${APP}`) as string,
    },
  })
  expect(await ask(socket, `/readyz/${APP}`)).toMatchObject({
    status: 503,
    body: { apps: { [APP]: { reason: 'misconfigured' } } },
  })
  const got = await runCli(home, ['get', APP])
  expect(got).toMatchObject({ code: 7, stdout: '' })
  const { stdout } = await runCli(home, ['status', APP])
  expect(stdout).toMatch(/what to do: .*evo-token secret pipeline/)
  const all = [JSON.stringify(told.body), got.stderr, stdout, readFileSync(toldPath(home), 'utf8')]
  expect(all.join('\n')).not.toMatch(NO_PERSON)
}

function toldPath(home: Home): string {
  return join(home.directory, 'told')
}

it('is signed out and in again with its secret alone', async () => {
  await using server = await startAuthorizationServer()
  const { clientId, clientSecret } = server.clients.service
  await using home = await serviceHome(server.issuer, clientId)
  await using daemon = await startDaemonProcess(home)
  const input = `${clientSecret}\n`
  expect(await runCli(home, ['secret', APP], { input })).toMatchObject({ code: 0 })
  await goodToken(daemon.socket, APP)
  expect(await runCli(home, ['logout', APP])).toMatchObject({ code: 0 })
  await expectAskedForSecret(home, daemon.socket)
  expect((await statusOf(daemon.socket, APP)).session).toBe('signed-out')
  expect(await runCli(home, ['secret', APP], { input })).toMatchObject({ code: 0 })
  await goodToken(daemon.socket, APP)
})

it('whose record is damaged asks for its secret, says why, and goes on with it', async () => {
  await using server = await startAuthorizationServer()
  const { clientId, clientSecret } = server.clients.service
  await using home = await serviceHome(server.issuer, clientId)
  {
    await using daemon = await startDaemonProcess(home)
    await runCli(home, ['secret', APP], { input: `${clientSecret}\n` })
    await goodToken(daemon.socket, APP)
    await daemon.stop()
  }
  writeFileSync(recordPath(home, APP), 'rot')
  await using daemon = await startDaemonProcess(home)
  await untilStatus(daemon.socket, APP, ({ session }) => session === 'misconfigured')
  await expectAskedForSecret(home, daemon.socket)
  expect((await statusOf(daemon.socket, APP)).last_error).toMatchObject({
    error: 'client_secret_missing',
    message: expect.stringMatching(/could not be read/) as string,
  })
  await until('the owner is told', () => readFileSync(toldPath(home), 'utf8') !== '')
  expect(readFileSync(toldPath(home), 'utf8')).toMatch(
    /^misconfigured .*Store its client secret: `evo-token secret pipeline`\.\n/,
  )
  expect(await runCli(home, ['secret', APP], { input: `${clientSecret}\n` })).toMatchObject({
    code: 0,
  })
  await goodToken(daemon.socket, APP)
})

it('whose record is damaged gets its next token with the secret that systemd hands over', async () => {
  await using server = await startAuthorizationServer()
  const { clientId, clientSecret } = server.clients.service
  await using home = await serviceHome(server.issuer, clientId)
  const credentials = join(home.directory, 'credentials')
  mkdirSync(credentials, { mode: 0o700 })
  writeFileSync(join(credentials, `${APP}.client-secret`), `${clientSecret}\n`, { mode: 0o400 })
  const env = { CREDENTIALS_DIRECTORY: credentials }
  {
    await using daemon = await startDaemonProcess(home, { env })
    await untilStatus(daemon.socket, APP, ({ freshness }) => freshness === 'fresh')
    await daemon.stop()
  }
  writeFileSync(recordPath(home, APP), 'rot')
  await using daemon = await startDaemonProcess(home, { env })
  await untilStatus(daemon.socket, APP, ({ freshness }) => freshness === 'fresh')
  await goodToken(daemon.socket, APP)
  expect(await statusOf(daemon.socket, APP)).toMatchObject({ session: 'active', last_error: null })
  expect(readFileSync(toldPath(home), 'utf8')).toBe('')
})
