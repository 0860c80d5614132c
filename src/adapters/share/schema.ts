/**
 * The tables that keepers and readers share, as SQL that a database's owner runs once, and again with
 * each new version: every statement may be repeated.
 */
import { SidecarError } from '../../errors.ts'

export const SCHEMA_VERSION = 1

/** Far below what a number of JavaScript holds exactly, and far above what a clock in milliseconds will say. */
const NUMBER_MAX = 2 ** 52

/** Rows in `wanted` are one for each app, so this bounds what a reader can have us keep. */
const DIGEST_LENGTH = 64

export interface Grants {
  /** Roles of keepers. */
  readonly keepers: readonly string[]
  /** Roles of readers, each with the apps that it may read. */
  readonly readers: readonly { readonly role: string; readonly apps: readonly string[] }[]
}

export function migrationStatements(
  database: string,
  { keepers, readers }: Grants,
): readonly string[] {
  const name = quoteName(database)
  return [
    // A plain role may make temporary tables and hold on to connections otherwise.
    `REVOKE TEMPORARY, CREATE ON DATABASE ${name} FROM PUBLIC`,
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
    'CREATE SCHEMA IF NOT EXISTS evo_token',
    'REVOKE ALL ON SCHEMA evo_token FROM PUBLIC',
    `CREATE TABLE IF NOT EXISTS evo_token.meta (
       schema_version integer NOT NULL,
       only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
     )`,
    NOT_NEWER,
    `CREATE TABLE IF NOT EXISTS evo_token.app (
       name text NOT NULL,
       identity_digest text NOT NULL CHECK (length(identity_digest) = ${DIGEST_LENGTH}),
       home uuid,
       home_no bigint NOT NULL CHECK (home_no BETWEEN 0 AND ${NUMBER_MAX}),
       generation bigint NOT NULL CHECK (generation BETWEEN 0 AND ${NUMBER_MAX}),
       revision uuid NOT NULL,
       move_to uuid,
       kid text NOT NULL,
       session text,
       access text,
       changed_at timestamptz NOT NULL,
       PRIMARY KEY (name, identity_digest)
     )`,
    'CREATE INDEX IF NOT EXISTS app_changed_at ON evo_token.app (changed_at)',
    `CREATE TABLE IF NOT EXISTS evo_token.keeper (
       id uuid PRIMARY KEY,
       name text NOT NULL,
       instance uuid NOT NULL,
       host text NOT NULL,
       version text NOT NULL,
       config_digest text NOT NULL,
       kids text[] NOT NULL,
       beat timestamptz NOT NULL
     )`,
    `CREATE TABLE IF NOT EXISTS evo_token.wanted (
       name text NOT NULL,
       identity_digest text NOT NULL,
       rejected_sha256 text CHECK (length(rejected_sha256) = ${DIGEST_LENGTH}),
       wanted_until timestamptz,
       asked_at timestamptz NOT NULL,
       PRIMARY KEY (name, identity_digest)
     )`,
    `CREATE TABLE IF NOT EXISTS evo_token.reader_app (
       role name NOT NULL,
       app text NOT NULL,
       PRIMARY KEY (role, app)
     )`,
    WANT_FUNCTION,
    'REVOKE ALL ON FUNCTION evo_token.want(text, text, text, timestamptz) FROM PUBLIC',
    'ALTER TABLE evo_token.app ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE evo_token.reader_app ENABLE ROW LEVEL SECURITY',
    ...createPolicy('reader_app', 'own_rows', 'PUBLIC', 'role = current_user'),
    `INSERT INTO evo_token.meta (schema_version) VALUES (${SCHEMA_VERSION})
       ON CONFLICT (only_row) DO UPDATE SET schema_version = EXCLUDED.schema_version`,
    ...keepers.flatMap(keeperGrants),
    ...readers.flatMap(({ role, apps }) => readerGrants(role, apps)),
  ]
}

/** Refuses to run on newer tables: an older version's function and rights would replace the newer ones. */
const NOT_NEWER = `DO $do$ DECLARE found integer := (SELECT max(schema_version) FROM evo_token.meta);
    BEGIN IF found > ${SCHEMA_VERSION} THEN
      RAISE EXCEPTION 'its tables are of version %, made by a newer evo-token, and this one makes ${SCHEMA_VERSION}: run the newer one', found;
    END IF; END $do$`

/**
 * One row per app, whatever a reader sends, and none for an unknown app. Keepers ask in the same way.
 * `session_user` is the role that logged in, which SECURITY DEFINER does not change.
 */
const WANT_FUNCTION = `CREATE OR REPLACE FUNCTION evo_token.want(
       of_app text, of_identity text, rejected text, until timestamptz
     ) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
       INSERT INTO evo_token.wanted AS w (name, identity_digest, rejected_sha256, wanted_until, asked_at)
       SELECT a.name, a.identity_digest, rejected, CASE WHEN until IS NOT NULL THEN LEAST(until, clock_timestamp() + interval '1 day') END,
              clock_timestamp()
         FROM evo_token.app a
        WHERE a.name = of_app AND a.identity_digest = of_identity
          AND (EXISTS (SELECT 1 FROM evo_token.reader_app r
                        WHERE r.role = session_user AND r.app = a.name)
               OR has_table_privilege(session_user, 'evo_token.app', 'UPDATE'))
       ON CONFLICT (name, identity_digest) DO UPDATE
         SET rejected_sha256 = COALESCE(EXCLUDED.rejected_sha256, w.rejected_sha256),
             wanted_until = GREATEST(EXCLUDED.wanted_until, w.wanted_until),
             asked_at = EXCLUDED.asked_at
       RETURNING true
     $$`

function keeperGrants(role: string): string[] {
  const to = quoteName(role)
  return [
    `GRANT USAGE ON SCHEMA evo_token TO ${to}`,
    `GRANT SELECT ON evo_token.meta TO ${to}`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON evo_token.app, evo_token.keeper, evo_token.wanted TO ${to}`,
    `GRANT EXECUTE ON FUNCTION evo_token.want(text, text, text, timestamptz) TO ${to}`,
    ...createPolicy('app', role, to, 'true'),
    ...timeLimits(role),
  ]
}

function readerGrants(role: string, apps: readonly string[]): string[] {
  const to = quoteName(role)
  const mayRead =
    'EXISTS (SELECT 1 FROM evo_token.reader_app r WHERE r.role = current_user AND r.app = app.name)'
  return [
    // It may have been a keeper's.
    `REVOKE ALL ON ALL TABLES IN SCHEMA evo_token FROM ${to}`,
    `GRANT USAGE ON SCHEMA evo_token TO ${to}`,
    `GRANT SELECT ON evo_token.meta, evo_token.reader_app TO ${to}`,
    `GRANT SELECT (name, identity_digest, home, home_no, generation, revision, access, changed_at)
       ON evo_token.app TO ${to}`,
    `GRANT SELECT (id, name) ON evo_token.keeper TO ${to}`,
    `GRANT EXECUTE ON FUNCTION evo_token.want(text, text, text, timestamptz) TO ${to}`,
    ...createPolicy('app', role, to, mayRead),
    ...timeLimits(role),
    wherePermitted(
      `ALTER ROLE ${to} CONNECTION LIMIT 8`,
      `rolname = ${sqlLiteral(role)} AND rolconnlimit BETWEEN 0 AND 8`,
    ),
    `DELETE FROM evo_token.reader_app WHERE role = ${sqlLiteral(role)}`,
    ...apps.map(
      (app) =>
        `INSERT INTO evo_token.reader_app (role, app) VALUES (${sqlLiteral(role)}, ${sqlLiteral(app)})`,
    ),
  ]
}

function timeLimits(role: string): string[] {
  return ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout'].map((name) =>
    wherePermitted(
      `ALTER ROLE ${quoteName(role)} SET ${name} = '${name === 'lock_timeout' ? 1 : 10}s'`,
      `rolname = ${sqlLiteral(role)} AND rolconfig::text LIKE '%${name}=%'`,
    ),
  )
}

/**
 * The owner of a database may lack the right to change roles: then a notice says what an administrator has to run.
 *
 * @param done of the role in `pg_roles` that an administrator has set already.
 */
function wherePermitted(statement: string, done: string): string {
  return `DO $do$ BEGIN ${statement};
    EXCEPTION WHEN insufficient_privilege THEN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE ${done}) THEN
        RAISE NOTICE 'not permitted, have an administrator run it: %', ${sqlLiteral(statement)};
      END IF;
    END $do$`
}

function createPolicy(table: string, name: string, to: string, using: string): string[] {
  const policyName = quoteName(name)
  return [
    `DROP POLICY IF EXISTS ${policyName} ON evo_token.${table}`,
    `CREATE POLICY ${policyName} ON evo_token.${table} TO ${to} USING (${using})`,
  ]
}

/** An identifier. @throws {SidecarError} `invalid_request` for one that PostgreSQL would cut short. */
function quoteName(name: string): string {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > 63) {
    throw new SidecarError('invalid_request', `"${name}" is not a name that PostgreSQL accepts.`)
  }
  return `"${name.replaceAll('"', '""')}"`
}

function sqlLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
