/** The daemon in a company: the issuer is behind a proxy, and its certificate is by the company's own CA. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { ask, goodToken, isFresh, statusOf, untilStatus } from './faults/owner.ts'
import { isSeeded, seededHome } from './faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { type Certificates, createCertificates } from './support/certificates.ts'
import { type Home, runCli, startDaemonProcess } from './support/daemon-process.ts'
import { itNeeds, missingCommands } from './support/needs.ts'
import { type Proxy, startProxy } from './support/proxy.ts'
import { startSocksProxy } from './support/socks-proxy.ts'

const HOST = 'issuer.test'

const missing = missingCommands('openssl')
const it = itNeeds(missing)

let directory: string
let certificates: Certificates
let server: RunningAuthorizationServer

beforeAll(async () => {
  if (missing !== undefined) return
  directory = mkdtempSync(join(tmpdir(), 'evo-company-'))
  certificates = createCertificates(directory, HOST)[0]
  server = await startAuthorizationServer({ issuer: `https://${HOST}`, tls: certificates })
})

afterAll(async () => {
  if (missing !== undefined) return
  await server.close()
  await rm(directory, { recursive: true })
})

/** A user app whose token is stale, and a service app without its secret. */
function createCompanyHome(config: object = {}): Promise<Home> {
  const { clientId } = server.clients.service
  const scopes = ['evo.discovery', 'evo.workspace']
  const robot = { type: 'service', clientId, scopes }
  return seededHome(server, { config: { log: { level: 'debug' }, ...config }, others: { robot } })
}

/** `config` does not replace the apps. */
async function withSettings(home: Home, settings: object): Promise<void> {
  const before = JSON.parse(readFileSync(home.config, 'utf8')) as object
  await home.write({ ...before, ...settings })
}

const toServer = () => startProxy(Number(new URL(server.url).port))
const targets = (proxy: Proxy) => [...new Set(proxy.asked.map(({ target }) => target))]

describe('an issuer behind a proxy, with a certificate of the company’s CA', () => {
  const WAYS = [
    ['"ca" in the config', () => ({ settings: { ca: certificates.ca }, env: {} })],
    [
      'NODE_EXTRA_CA_CERTS',
      () => ({ settings: {}, env: { NODE_EXTRA_CA_CERTS: certificates.ca } }),
    ],
  ] as const
  for (const [name, way] of WAYS) {
    it(`is reached for everything that we ask of it, by ${name}`, async () => {
      await using proxy = await toServer()
      await using home = await createCompanyHome()
      const { settings, env: more } = way()
      await withSettings(home, settings)
      const env = { HTTPS_PROXY: `http://ada:pass%40word@127.0.0.1:${proxy.port}`, ...more }
      await using daemon = await startDaemonProcess(home, { env })

      await untilStatus(daemon.socket, 'me', isFresh)
      expect(isSeeded(await goodToken(daemon.socket, 'me'))).toBe(false)
      const { clientSecret: input } = server.clients.service
      expect(await runCli(home, ['secret', 'robot'], { input })).toMatchObject({ code: 0 })
      await goodToken(daemon.socket, 'robot')
      const before = proxy.asked.length
      expect(await ask(daemon.socket, '/v1/apps/me/logout', 'POST')).toMatchObject({
        body: { revoked: true },
      })
      expect(proxy.asked.length).toBeGreaterThan(before)

      expect(targets(proxy)).toEqual([`${HOST}:443`])
      const login = Buffer.from('ada:pass@word').toString('base64')
      expect(proxy.asked.every(({ authorization }) => authorization === `Basic ${login}`)).toBe(
        true,
      )
      expect(JSON.stringify(daemon.log)).not.toMatch(/pass(%40|@)word/)

      // Evo itself is at this proxy none but the issuer.
      const doctor = await runCli(home, ['doctor', 'robot'], { env })
      expect(doctor.stdout).toContain(`ok    robot: tls: ${HOST} answers\n`)
      expect(doctor.stdout).toContain('ok    robot: metadata: ')
    })
  }

  it('is reached through a SOCKS proxy as well', async () => {
    await using proxy = await startSocksProxy(Number(new URL(server.url).port))
    await using home = await createCompanyHome({ ca: certificates.ca })
    const env = { HTTPS_PROXY: `socks5://ada:pass%40word@127.0.0.1:${proxy.port}` }
    await using daemon = await startDaemonProcess(home, { env })
    await untilStatus(daemon.socket, 'me', isFresh)
    expect(isSeeded(await goodToken(daemon.socket, 'me'))).toBe(false)
    const asked = new Set(proxy.asked.map(({ target, user }) => `${target} ${user ?? ''}`))
    expect([...asked]).toEqual([`${HOST}:443 ada:pass@word`])
    expect(JSON.stringify(daemon.log)).not.toMatch(/pass(%40|@)word/)
  })

  it('that was not configured as trusted costs nothing but time, and says what is missing', async () => {
    await using proxy = await toServer()
    await using home = await createCompanyHome()
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
    const asked = server.requests.length
    await using untrusting = await startDaemonProcess(home, { env })
    const { last_error: problem } = await untilStatus(untrusting.socket, 'me', ({ session }) => {
      return session === 'retrying'
    })
    expect(problem?.message).toContain(`certificate of ${HOST} is not trusted`)
    expect(problem?.message).toContain('"ca" in the config')
    expect(isSeeded(await goodToken(untrusting.socket, 'me'))).toBe(true)
    expect(server.requests.length).toBe(asked)
    await untrusting.stop()

    await withSettings(home, { ca: certificates.ca })
    await using daemon = await startDaemonProcess(home, { env })
    await untilStatus(daemon.socket, 'me', isFresh)
  })

  it('is asked directly where NO_PROXY names it', async () => {
    await using proxy = await toServer()
    await using home = await createCompanyHome()
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: `other.test,.${HOST}` }
    await using daemon = await startDaemonProcess(home, { env })
    await untilStatus(daemon.socket, 'me', ({ session }) => session === 'retrying')
    expect(proxy.asked).toEqual([])
    const { last_error: problem } = await statusOf(daemon.socket, 'me')
    expect(problem?.message).toContain(HOST)
  })

  it('is not blamed for a proxy that refuses', async () => {
    await using proxy = await toServer()
    proxy.refuse(407)
    await using home = await createCompanyHome()
    await withSettings(home, { ca: certificates.ca })
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
    await using daemon = await startDaemonProcess(home, { env })
    const { last_error: problem } = await untilStatus(daemon.socket, 'me', ({ session }) => {
      return session === 'retrying'
    })
    expect(problem?.message).toContain(`The proxy refused to connect to ${HOST} (407)`)
  })
})
