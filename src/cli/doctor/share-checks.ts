/** Checks whether the databases of shared sessions can be used, and whether the keepers agree. */
import { SCHEMA_VERSION } from '../../adapters/share/schema.ts'
import type { Config } from '../../config/config.ts'
import type { createClient } from '../../client/connection.ts'
import type { ShareServer, ShareStatus } from '../share/share-status.ts'
import { checkFault, type Check } from './checks.ts'

/** Whether every database of the list can be reached is checked last: one suffices. */
export function shareChecks(
  client: ReturnType<typeof createClient>,
  { share, apps }: Pick<Config, 'share' | 'apps'>,
): Check[] {
  let shared: ShareStatus = {}
  const user = share?.user ?? ''
  const primary = () => {
    const { servers, primaries } = shared.database ?? {}
    return servers?.find(({ host }) => host === primaries?.[0])
  }
  return [
    {
      id: 'share-database',
      async run() {
        shared = await client.ask({ path: '/v1/share' })
        const { database } = shared
        if (!database) throw checkFault('The daemon does not share yet.', 'Restart it.')
        if (database.error !== null) {
          // These say more than the error of the statement that was refused.
          checkRights(primary(), shared.role, user)
          checkSchema(primary())
          throw checkFault(database.error, 'Correct "share" or the database.')
        }
        const [first, ...others] = database.primaries
        if (others.length > 0) {
          throw checkFault(
            `More than one database takes writes: ${database.primaries.join(', ')}.`,
            'Stop the one that is not the primary any more.',
          )
        }
        return `${first ?? 'it'} answers within ${database.latency_ms ?? 0} ms`
      },
    },
    { id: 'share-rights', run: async () => checkRights(primary(), shared.role, user) },
    { id: 'share-schema', run: async () => checkSchema(primary()) },
    share?.role === 'reader'
      ? {
          id: 'share-reader',
          run: async () =>
            checkReader(
              primary(),
              apps.map(({ name }) => name),
              user,
            ),
        }
      : { id: 'share-keepers', run: async () => checkKeepers(shared) },
    { id: 'share-hosts', run: async () => checkHosts(shared.database?.servers ?? []) },
  ]
}

function checkRights(primary: ShareServer | undefined, role = 'keeper', user: string): string {
  const rights = primary?.rights
  if (rights === role) return `"${user}" has the rights of a ${role}`
  if (!rights) return 'not known'
  throw checkFault(
    rights === 'none'
      ? `The role "${user}" lacks rights that a ${role} needs.`
      : `The role "${user}" has the rights of a ${rights}, and this daemon is a ${role}.`,
    role === 'keeper'
      ? `As the owner of the database: \`evo-token share migrate --grant ${user}\`.`
      : `Give each reader a role of its own; as the owner of the database: \`evo-token share migrate --grant-reader ROLE --app APP\`.`,
  )
}

function checkSchema(primary: ShareServer | undefined): string {
  const version = primary?.schema_version
  if (version === undefined) return 'not known'
  if (version === null || version < SCHEMA_VERSION) {
    throw checkFault(
      version === null
        ? 'It is not known of which version the tables are.'
        : `The tables are of version ${version}, and this evo-token needs ${SCHEMA_VERSION}.`,
      'As the owner of the database: `evo-token share migrate`.',
    )
  }
  const newer = version > SCHEMA_VERSION ? `, and this evo-token goes on with them` : ''
  return `the tables are of version ${version}${newer}`
}

function checkReader(
  primary: ShareServer | undefined,
  apps: readonly string[],
  user: string,
): string {
  const readable = primary?.readable_apps
  if (!readable) return 'not known'
  const hidden = apps.filter((app) => !readable.includes(app))
  if (hidden.length === 0) return `the role may read ${apps.join(', ')}`
  throw checkFault(
    `The role "${user}" may not read ${hidden.join(', ')}.`,
    `As the owner of the database, with all apps that it may read: \`evo-token share migrate --grant-reader ${user} ${apps.map((app) => `--app ${app}`).join(' ')}\`.`,
  )
}

function checkKeepers({ confirmed, message, keepers = [] }: ShareStatus): string {
  if (confirmed === false) {
    throw checkFault(
      message ?? 'This keeper is not confirmed.',
      'It goes on by itself; `evo-token share status` shows more.',
    )
  }
  const alive = keepers.filter((keeper) => keeper.alive)
  const names = alive.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    throw checkFault(
      `More than one keeper that runs is called ${twice}.`,
      'Give each a "share.name" of its own, and restart it: commands name keepers by it.',
    )
  }
  const strange = alive.find(({ same_apps, same_key }) => !same_apps || !same_key)
  if (strange) {
    throw checkFault(
      `The keeper ${strange.name} has ${strange.same_key ? 'other apps in its config' : 'another vault key'}.`,
      strange.same_key
        ? 'Give every keeper the same apps, and `evo-token reload`.'
        : 'Copy the vault key of one keeper to the others, while they are stopped.',
    )
  }
  const versions = new Set(alive.map(({ version }) => version))
  // Versions differ during an update, which takes one keeper after another.
  const differ = versions.size > 1 ? `, with the versions ${[...versions].sort().join(', ')}` : ''
  return `${alive.length} of them run${differ}`
}

function checkHosts(servers: readonly ShareServer[]): string {
  const gone = servers.filter(({ error }) => error !== null)
  if (gone.length > 0) {
    throw checkFault(
      `${gone.map(({ host, error }) => `${host} cannot be used: ${error ?? ''}`).join('; ')}.`,
      gone.some(({ error }) => /certificate|SSL|TLS/.test(error ?? ''))
        ? 'Compare "share.ca" and the name in "share.hosts" with its certificate.'
        : 'Start it; or take it out of "share.hosts", and restart the daemon.',
    )
  }
  return servers.map(describeServer).join('; ')
}

function describeServer({ host, tls, takes_writes: takesWrites, version }: ShareServer): string {
  const how = tls ? 'TLS' : 'plain text on this machine'
  return `${host} ${takesWrites ? 'takes writes' : 'follows'} (PostgreSQL ${version ?? ''}, ${how})`
}
