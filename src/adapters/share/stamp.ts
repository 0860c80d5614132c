/** The stamp: which database gave an answer, and when. */
import type { QueryResultRow } from 'pg'

/** An instant in whole milliseconds, as text: a role may be set to print floating-point numbers with few digits. */
export function inMs(instant: string): string {
  return `round(extract(epoch FROM ${instant}) * 1000)::bigint::text`
}

/** An instant that a number can hold, whatever was written: infinity is an instant of PostgreSQL. */
export function bounded(instant: string): string {
  return `GREATEST(LEAST(${instant}, clock_timestamp() + interval '1 day'), to_timestamp(0))`
}

/**
 * The first columns of each statement: the clock of the database, and its incarnation, which says what
 * process answers, and what file has the rows: a restore into a running process creates the table again or
 * empties it.
 */
export const STAMP = `${inMs('clock_timestamp()')} AS stamp_now,
  (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text || '-' ||
    coalesce(pg_relation_filenode(to_regclass('evo_token.app'))::text, '') AS stamp_incarnation`

export interface Stamp extends QueryResultRow {
  /** In milliseconds. */
  readonly stamp_now: string
  readonly stamp_incarnation: string
}
