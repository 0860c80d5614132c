/** What tells, with each answer, which database gave it and when. */
import type { QueryResultRow } from 'pg'

/** What each statement begins with: the clock of the database, and which process of it answers. */
export const STAMP = `(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS stamp_now,
  (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text AS stamp_incarnation`

export interface Stamp extends QueryResultRow {
  readonly stamp_now: number
  readonly stamp_incarnation: string
}
