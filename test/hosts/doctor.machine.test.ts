/** What `doctor` and `share status` say of keepers and databases that do not fit together. */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { APP, type Host, untilConfirmed, untilHomeIs } from './hosts-world.ts'
import { hub, missing, spare, useTwoKeepers, world } from './two-keepers.ts'

const OTHER = 'evo-other'

useTwoKeepers('each', { session: 'none' })

/** The checks of `doctor` that are about sharing, by name. */
async function shareChecks(host: Host): Promise<Readonly<Record<string, Check>>> {
  const { stdout } = await host.cli('doctor', '--json')
  const { checks } = JSON.parse(stdout) as { checks: readonly Check[] }
  return Object.fromEntries(
    checks.flatMap((one) => (one.id.startsWith('share-') ? [[one.id, one]] : [])),
  )
}

interface Check {
  readonly id: string
  readonly ok: boolean
  readonly detail: string
}

const untilDoctorSays = (host: Host, id: string, part: string, ok: boolean) =>
  until(
    `doctor at ${host.name} says "${part}"`,
    () => shareChecks(host),
    ({ [id]: check }) => check?.ok === ok && check.detail.includes(part),
  )

describe('a keeper with other apps in its config', () => {
  itNeeds(missing)('is named until both have the same and reloaded', async () => {
    for (const host of [spare, hub]) {
      const config = JSON.parse(await host.readConfig()) as { apps: Record<string, object> }
      const [app] = Object.values(config.apps)
      await host.home.write({
        ...config,
        apps: {
          ...config.apps,
          [OTHER]: { ...app, redirectUris: ['http://localhost:3000/callback'] },
        },
      })
      expect(await host.cli('reload')).toMatchObject({ code: 0 })
      if (host === spare) await untilDoctorSays(hub, 'share-keepers', 'spare has other apps', false)
    }
    await untilDoctorSays(hub, 'share-keepers', '2 of them run', true)
  })
})

describe('a keeper that has the name of another one', () => {
  itNeeds(missing)('is named', async () => {
    const config = JSON.parse(await spare.readConfig()) as { share: object }
    await spare.end()
    await spare.home.write({ ...config, share: { ...config.share, name: 'hub' } })
    await spare.start()
    await untilConfirmed(spare)
    await untilDoctorSays(
      hub,
      'share-keepers',
      'More than one keeper that runs is called hub',
      false,
    )
  })
})

describe('a keeper that seals with a vault key which is not here', () => {
  itNeeds(missing)('is named', async () => {
    const file = join(spare.home.stateDir, 'vault-key')
    const key = await readFile(file, 'utf8')
    await spare.end()
    await writeFile(file, `${randomBytes(32).toString('base64')}\n${key}`, { mode: 0o600 })
    await spare.start()
    await untilConfirmed(spare)
    await untilDoctorSays(hub, 'share-keepers', 'spare has another vault key', false)
    await untilDoctorSays(spare, 'share-keepers', 'hub has another vault key', false)
  })
})

describe('a database of the list that is gone', () => {
  itNeeds(missing)('is named, and is no fault of the one that takes writes', async () => {
    const gone = `127.0.0.1:${await freePort()}`
    await hub.useDatabases([gone, world.postgres.host])
    const words = `${gone} cannot be used`
    for (let look = 0; look < 5; look++) {
      const seen = await shareChecks(hub)
      expect(seen['share-database']).toMatchObject({ ok: true })
      expect(seen['share-hosts']).toMatchObject({ ok: false })
      expect(seen['share-hosts']?.detail).toContain(words)
    }
    const said = hub.daemon().log.filter(({ host }) => host === gone)
    expect(said).toHaveLength(1)

    await hub.useDatabases([world.postgres.host])
    const { 'share-hosts': check } = await shareChecks(hub)
    expect(check).toMatchObject({ ok: true })
    expect(check?.detail).toMatch(/takes writes \(PostgreSQL \d+.*, plain text on this machine\)/)
  })
})

describe('a role that does not fit', () => {
  itNeeds(missing)('is named where it lacks a right that a keeper needs', async () => {
    const { postgres } = world
    expect((await shareChecks(hub))['share-rights']).toMatchObject({ ok: true })
    await postgres.sql('REVOKE UPDATE ON evo_token.keeper FROM evo_keeper; SELECT 1')
    await untilDoctorSays(hub, 'share-database', 'lacks rights that a keeper needs', false)
    await postgres.sql('GRANT UPDATE ON evo_token.keeper TO evo_keeper; SELECT 1')
    await untilDoctorSays(hub, 'share-rights', 'has the rights of a keeper', true)
  })

  itNeeds(missing)('is named where it is a reader’s', async () => {
    expect(await hub.signIn()).toMatchObject({ code: 0 })
    await untilHomeIs(spare, hub)
    const node = await world.reader('node', hub)
    await untilDoctorSays(node, 'share-rights', 'has the rights of a reader', true)
    await untilDoctorSays(node, 'share-reader', `may read ${APP}`, true)
    const { share } = JSON.parse(await node.readConfig()) as { share: Record<string, unknown> }
    const config = JSON.parse(await spare.readConfig()) as { share: object }
    const { user, passwordFile } = share
    await spare.end()
    await spare.home.write({ ...config, share: { ...config.share, user, passwordFile } })
    await spare.start()
    await untilDoctorSays(spare, 'share-database', 'has the rights of a reader', false)

    await world.postgres.sql('DELETE FROM evo_token.reader_app; SELECT 1')
    await untilDoctorSays(node, 'share-reader', `may not read ${APP}`, false)
  })
})

describe('tables of an older version', () => {
  itNeeds(missing)('are to be migrated', async () => {
    await untilDoctorSays(hub, 'share-schema', 'the tables are of version', true)
    await world.postgres.sql('UPDATE evo_token.meta SET schema_version = 0; SELECT 1')
    await untilDoctorSays(hub, 'share-schema', 'The tables are of version 0', false)
  })
})
