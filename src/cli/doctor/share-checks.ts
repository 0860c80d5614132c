/** Whether the database that sessions are shared through can be used, and whether the keepers agree. */
import type { createClient } from '../../client/connection.ts'
import { checkFault, type Check } from './checks.ts'

interface Shared {
  readonly shared?: boolean
  readonly role?: string
  readonly confirmed?: boolean
  readonly message?: string | null
  readonly database?: {
    readonly primaries: readonly string[]
    readonly latency_ms: number | null
    readonly error: string | null
  }
  readonly keepers?: readonly {
    readonly name: string
    readonly alive: boolean
    readonly same_apps: boolean
    readonly same_key: boolean
  }[]
}

export function shareChecks(client: ReturnType<typeof createClient>): Check[] {
  let shared: Shared = {}
  return [
    {
      id: 'share-database',
      async run() {
        shared = await client.ask({ path: '/v1/share' })
        const { database } = shared
        if (!database) throw checkFault('The daemon does not share yet.', 'Restart it.')
        if (database.error !== null)
          throw checkFault(database.error, 'Correct "share" or the database.')
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
    {
      id: 'share-keepers',
      async run() {
        if (shared.role === 'reader') return 'this daemon is a reader'
        if (shared.confirmed === false) {
          throw checkFault(
            shared.message ?? 'This keeper is not confirmed.',
            'It goes on by itself; `evo-token share status` shows more.',
          )
        }
        const keepers = (shared.keepers ?? []).filter(({ alive }) => alive)
        const strange = keepers.find(({ same_apps, same_key }) => !same_apps || !same_key)
        if (strange) {
          throw checkFault(
            `The keeper ${strange.name} has ${strange.same_key ? 'other apps in its config' : 'another vault key'}.`,
            strange.same_key
              ? 'Give every keeper the same apps, and `evo-token reload`.'
              : 'Copy the vault key of one keeper to the others, while they are stopped.',
          )
        }
        return `${keepers.length} of them run`
      },
    },
  ]
}
