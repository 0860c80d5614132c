/** What the statements of the shared store have in common: each answers with its stamp, whether it has a row or not. */
import type { DatabaseAnswer, PromisedAnswer } from '../../core/sharing/shared-store.ts'
import type { Database } from './database.ts'

export const NOW = 'clock_timestamp()'
/** A row to join with, so that a statement that finds nothing still answers with its stamp. */
export const ONE = '(SELECT 1) AS one'
/** Selects the row whose name and identity digest are the first two values. */
export const OF_KEY = 'a.name = $1 AND a.identity_digest = $2'

/** Runs a statement that returns a row where it did something. */
export async function runChange(
  database: Database,
  statement: string,
  values: readonly unknown[],
): PromisedAnswer<boolean> {
  const answer = await database.ask<{ done: boolean }>((stamp) => {
    const done = statement.startsWith('SELECT')
      ? `SELECT ${stamp}, (${statement}) IS NOT NULL AS done`
      : `WITH changed AS (${statement}) SELECT ${stamp}, EXISTS (SELECT 1 FROM changed) AS done`
    return done
  }, values)
  return withValue(answer, (rows) => rows[0]?.done ?? false)
}

export function withValue<From, To>(
  answer: DatabaseAnswer<From> | undefined,
  toValue: (value: From) => To,
): DatabaseAnswer<To> | undefined {
  return answer && { ...answer, value: toValue(answer.value) }
}
