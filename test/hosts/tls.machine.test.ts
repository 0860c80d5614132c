/** TLS between keepers and their database on another host: what is checked on both sides. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import {
  type Certificates,
  createCertificates,
  createEndedCertificate,
} from '../support/certificates.ts'
import { itNeeds } from '../support/needs.ts'
import { noPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import {
  type Host,
  type HostsWorld,
  startHostsWorld,
  untilConfirmed,
  untilHomeIs,
  refresh,
} from './hosts-world.ts'
import { noNetwork } from './network.ts'

const missing = noPostgres() ?? noNetwork()

let world: HostsWorld
let hub: Host
let directory: string

beforeAll(async () => {
  if (missing !== undefined) return
  directory = await mkdtemp(join(tmpdir(), 'evo-token-tls-'))
  world = await startHostsWorld({ network: true })
  hub = await world.keeper('hub', { seed: 'fresh' })
  await untilHomeIs(hub, hub)
})

afterAll(async () => {
  if (missing !== undefined) return
  await world[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const CONNECTIONS = `SELECT ssl.ssl, ssl.client_dn FROM pg_stat_ssl ssl JOIN pg_stat_activity USING (pid)
  WHERE usename = 'evo_keeper'`

/** Restarts the keeper with other settings of `share`. */
async function use(settings: object): Promise<void> {
  const config = JSON.parse(await hub.readConfig()) as { share: object }
  await hub.end()
  await hub.home.write({ ...config, share: { ...config.share, ...settings } })
  await hub.start()
}

async function untilToldThat(part: string): Promise<void> {
  await until(
    `it says "${part}"`,
    () => hub.cli('share', 'status'),
    ({ stdout, stderr }) => `${stdout}${stderr}`.includes(part),
  )
}

const files = () => ({
  certificateFile: join(directory, 'cert'),
  certificateKeyFile: join(directory, 'key'),
})

async function writeCertificate({ cert, key }: Certificates): Promise<void> {
  await writeFile(files().certificateFile, cert)
  await writeFile(files().certificateKeyFile, key, { mode: 0o600 })
}

/** Has the database ask keepers for a certificate, and this one show its own. */
async function showCertificate(): Promise<Certificates> {
  const { postgres, certificates } = world
  if (!certificates) throw new Error('there is no network')
  const { database, keeper } = certificates
  await postgres.useTls({ ...database, clientCa: await readFile(database.ca, 'utf8') })
  await writeCertificate(keeper)
  await use({ ...files(), passwordFile: undefined })
  await untilConfirmed(hub)
  return keeper
}

describe('a database on another host', () => {
  itNeeds(missing)('is spoken to in TLS only', async () => {
    const connections = await world.postgres.sql(CONNECTIONS)
    expect(connections.length).toBeGreaterThan(0)
    for (const connection of connections) expect(connection).toMatchObject({ ssl: true })
    const { stdout } = await hub.cli('doctor')
    expect(stdout).toMatch(/share-hosts: .* takes writes \(PostgreSQL .*, TLS\)/)
    await refresh(hub)
  })

  itNeeds(missing)('is refused with the certificate of another authority', async () => {
    const config = JSON.parse(await hub.readConfig()) as { share: { ca: string } }
    const [other] = createCertificates(directory, 'elsewhere')
    await use({ ca: other.ca })
    try {
      await untilToldThat('unable to verify the first certificate')
    } finally {
      await use({ ca: config.share.ca })
    }
    await untilConfirmed(hub)
  })

  itNeeds(missing)('is refused with the certificate of another host', async () => {
    const { postgres, certificates } = world
    if (!certificates) throw new Error('there is no network')
    await postgres.useTls(certificates.elsewhere)
    try {
      await use({})
      await untilToldThat('does not match certificate')
    } finally {
      await postgres.useTls(certificates.database)
      await use({})
    }
    await untilConfirmed(hub)
  })

  itNeeds(missing)('takes a keeper’s certificate in place of a password', async () => {
    const { postgres, certificates } = world
    if (!certificates) throw new Error('there is no network')
    const { database } = certificates
    await postgres.useTls({ ...database, clientCa: await readFile(database.ca, 'utf8') })
    await use({})
    await untilToldThat('certificate')
    await showCertificate()
    await refresh(hub)
    const [connection] = await postgres.sql(CONNECTIONS)
    expect(connection).toMatchObject({ ssl: true, client_dn: '/CN=evo_keeper' })
  })

  itNeeds(missing)(
    'is told of where a keeper’s certificate has ended, and met with a new one',
    async () => {
      const keeper = await showCertificate()
      const ended = createEndedCertificate(dirname(keeper.ca), 'evo_keeper')
      await writeCertificate(ended)
      await hub.end()
      await hub.start()
      await untilToldThat('"share.certificateFile" expired at')
      const { stdout } = await hub.cli('doctor')
      expect(stdout).toContain('put a new one there')
      // It is read at each attempt to connect: no restart.
      await writeCertificate(keeper)
      await untilConfirmed(hub)
      await refresh(hub)
    },
  )
})
