/** Examines one database of the list: whether it takes writes, its version, and what the role may do there. */
import type { Client, QueryResultRow } from 'pg'
import { STAMP, type Stamp } from './stamp.ts'

export interface ExaminedHost {
  readonly incarnation: string
  readonly inRecovery: boolean
  /** Whether it was told to take no writes (`default_transaction_read_only`), or is in recovery. */
  readonly isReadOnly: boolean
  readonly serverVersion: string
  /** Undefined where there are no tables yet, or the role may not read their version. */
  readonly schemaVersion: number | undefined
  /** Whose rights the role has. */
  readonly rights: 'keeper' | 'reader' | 'none'
  /** The apps that a reader's role may read; undefined for another role. */
  readonly readableApps: readonly string[] | undefined
}

interface Rights extends QueryResultRow {
  readonly is_keeper: boolean
  readonly is_reader: boolean
  readonly sees_meta: boolean
  readonly sees_apps: boolean
}

/** What `schema.ts` grants. Each part is null where there is no such table or function. */
const RIGHTS_QUERY = `SELECT coalesce(has_function_privilege(w.want, 'EXECUTE') AND (
      SELECT bool_and(has_table_privilege(to_regclass('evo_token.' || name), may))
        FROM unnest(ARRAY['app', 'keeper', 'wanted']) name,
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) may), false) AS is_keeper,
    coalesce(has_function_privilege(w.want, 'EXECUTE')
      AND has_column_privilege(to_regclass('evo_token.app'), 'access', 'SELECT')
      AND NOT has_column_privilege(to_regclass('evo_token.app'), 'session', 'SELECT'), false) AS is_reader,
    coalesce(has_table_privilege(to_regclass('evo_token.meta'), 'SELECT'), false) AS sees_meta,
    coalesce(has_table_privilege(to_regclass('evo_token.reader_app'), 'SELECT'), false) AS sees_apps
  FROM (SELECT to_regprocedure('evo_token.want(text, text, text, timestamptz)') AS want) w`

/** @throws {Error} where it cannot be used, with the reason. */
export async function examineHost(client: Client): Promise<ExaminedHost> {
  const { rows } = await client.query<
    { recovering: boolean; read_only: string; version: string; server_version: string } & Stamp
  >(
    `SELECT pg_is_in_recovery() AS recovering, current_setting('transaction_read_only') AS read_only,
       version() AS version, current_setting('server_version') AS server_version, ${STAMP}`,
  )
  const [row] = rows
  if (!row) throw new Error('it answers with nothing')
  const foreign = /CockroachDB|YugabyteDB|-YB-/.exec(row.version)
  if (foreign) throw new Error(`${foreign[0]} is not supported: it is not PostgreSQL`)
  const [rights] = (await client.query<Rights>(RIGHTS_QUERY)).rows
  const isReader = rights?.is_reader === true && !rights.is_keeper
  return {
    incarnation: row.stamp_incarnation,
    inRecovery: row.recovering,
    isReadOnly: row.read_only === 'on',
    serverVersion: row.server_version,
    schemaVersion: rights?.sees_meta ? await readSchemaVersion(client) : undefined,
    rights: rights?.is_keeper ? 'keeper' : isReader ? 'reader' : 'none',
    readableApps: isReader && rights.sees_apps ? await readApps(client) : undefined,
  }
}

async function readSchemaVersion(client: Client): Promise<number | undefined> {
  const text = 'SELECT schema_version FROM evo_token.meta'
  const { rows } = await client.query<{ schema_version: number }>(text)
  return rows[0]?.schema_version
}

/** Row-level security shows the role its own rows only. */
async function readApps(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ app: string }>('SELECT app FROM evo_token.reader_app')
  return rows.map(({ app }) => app)
}
