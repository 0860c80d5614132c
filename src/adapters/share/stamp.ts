/** What tells, with each answer, which database gave it and when. */
import type { QueryResultRow } from 'pg'

/**
 * What each statement begins with: the clock of the database, and its incarnation: which process of it
 * answers, and which file has the rows. A restore into a process that runs makes or empties the table anew.
 */
export const STAMP = `(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS stamp_now,
  (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text || '-' ||
    coalesce(pg_relation_filenode(to_regclass('evo_token.app'))::text, '') AS stamp_incarnation`

export interface Stamp extends QueryResultRow {
  readonly stamp_now: number
  readonly stamp_incarnation: string
}
