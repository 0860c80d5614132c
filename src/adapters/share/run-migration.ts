/** Runs the statements of a migration in one transaction: all of them, or none. */
import type { ShareSettings } from '../../config/share-settings.ts'
import { SidecarError } from '../../errors.ts'
import { Secret } from '../../secret.ts'
import { clientFor } from './client-config.ts'
import { isRefusal } from './refusal.ts'

/** How long a lock of another session is waited for. */
const LOCK_TIMEOUT = '5s'

/** @throws {SidecarError} `failed`, with what the database said: then nothing was changed. */
export async function runMigration(
  settings: ShareSettings,
  password: string | undefined,
  statements: readonly string[],
  onNotice: (message: string) => void,
): Promise<void> {
  const secret = password === undefined ? undefined : new Secret(password)
  let last = 'no host answers'
  let hint = HOSTS_HINT
  for (const host of settings.hosts) {
    const client = clientFor(settings, host, () => secret, 60_000)
    client.on('error', () => undefined)
    client.on('notice', ({ message }) => {
      if (message?.startsWith('not permitted')) onNotice(message)
    })
    try {
      await client.connect()
      const { rows } = await client.query<{ recovering: boolean }>(
        'SELECT pg_is_in_recovery() AS recovering',
      )
      if (rows[0]?.recovering !== false) {
        last = `${host} takes no writes`
        hint = 'Name the database that takes writes in "share.hosts".'
        continue
      }
      await client.query(
        ['BEGIN', `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`, ...statements, 'COMMIT'].join(
          ';\n',
        ),
      )
      return
    } catch (error) {
      last = `${host}: ${error instanceof Error ? error.message : 'it refused'}`
      hint = hintFor(error)
    } finally {
      client.end().catch(() => undefined)
    }
  }
  throw new SidecarError('failed', `Nothing was migrated: ${last}.`, { hint })
}

const HOSTS_HINT = 'Correct "share.hosts", or start the database.'

function hintFor(error: unknown): string {
  if (!isRefusal(error)) return HOSTS_HINT
  switch ((error as { readonly code?: unknown }).code) {
    case '3D000':
      return 'Make the database first, or correct "share.database".'
    case '42704':
      return 'Make the role first: CREATE ROLE … LOGIN.'
    case '55P03':
      return 'Another session holds a lock on the tables: run it again.'
    default:
      return 'Log in as the owner of the database (--user, --password-file), or print the SQL with --dry-run and run it with psql.'
  }
}
