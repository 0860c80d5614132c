/** Writes the rows of apps, each statement only where the row is not newer than what it writes. */
import { randomUUID } from 'node:crypto'
import type { Pair } from '../../core/sharing/pair.ts'
import type {
  AppKey,
  PromisedAnswer,
  Copies,
  KeeperRow,
  Swap,
} from '../../core/sharing/shared-store.ts'
import type { Database } from './database.ts'
import { runChange, NOW, OF_KEY, ONE, withValue } from './statements.ts'

type PublishedRow = AppKey & Pair & Copies

const APP_COLUMNS =
  'name, identity_digest, home, home_no, generation, revision, kid, session, access, changed_at'
const APP_PARAMETERS = `$1::text, $2::text, $3::uuid, $4::bigint, $5::bigint, $6::uuid, $7::text, $8::text, $9::text, ${NOW}`

export class AppWrites {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  publish(row: PublishedRow, me: string): PromisedAnswer<string | undefined> {
    return this.#write(
      row,
      me,
      `DO UPDATE SET home = EXCLUDED.home, home_no = EXCLUDED.home_no, generation = EXCLUDED.generation,
         revision = EXCLUDED.revision, kid = EXCLUDED.kid, session = EXCLUDED.session,
         access = EXCLUDED.access, changed_at = EXCLUDED.changed_at
       WHERE a.home_no < EXCLUDED.home_no OR (a.home_no = EXCLUDED.home_no
         AND a.home = EXCLUDED.home AND a.generation <= EXCLUDED.generation)`,
    )
  }

  introduce(row: PublishedRow, me: string): PromisedAnswer<string | undefined> {
    return this.#write(row, me, 'DO NOTHING')
  }

  swap(
    { revision, silent, ...row }: Swap,
    { id, instance }: Pick<KeeperRow, 'id' | 'instance'>,
  ): PromisedAnswer<string | undefined> {
    const values = [
      ...toParameters(row, id),
      revision,
      instance,
      silent?.id ?? null,
      silent?.since ?? null,
    ]
    // The last beat of this keeper has to be this process's, and the silent keeper must not have written since.
    const allowed = `EXISTS (SELECT 1 FROM evo_token.keeper k WHERE k.id = $3::uuid AND k.instance = $11::uuid)
      AND NOT EXISTS (SELECT 1 FROM evo_token.keeper k WHERE k.id = $12::uuid
        AND extract(epoch FROM k.beat) * 1000 > $13::float8 + 0.5)`
    return this.#revision(
      revision === null
        ? `INSERT INTO evo_token.app AS a (${APP_COLUMNS}) SELECT ${APP_PARAMETERS}
             WHERE $10::uuid IS NULL AND ${allowed} ON CONFLICT DO NOTHING RETURNING a.revision`
        : `UPDATE evo_token.app AS a SET home = $3::uuid, home_no = $4, generation = $5, revision = $6::uuid,
             kid = $7, session = $8, access = $9, move_to = NULL, changed_at = ${NOW}
           WHERE ${OF_KEY} AND a.revision = $10::uuid AND ${allowed} RETURNING a.revision`,
      values,
    )
  }

  handOver(row: PublishedRow, to: string): PromisedAnswer<string | undefined> {
    return this.#write(
      row,
      to,
      `DO UPDATE SET home = EXCLUDED.home, home_no = EXCLUDED.home_no, generation = EXCLUDED.generation,
         revision = EXCLUDED.revision, kid = EXCLUDED.kid, session = EXCLUDED.session,
         access = EXCLUDED.access, move_to = NULL, changed_at = EXCLUDED.changed_at
       WHERE a.home_no < EXCLUDED.home_no OR (a.home_no = EXCLUDED.home_no
         AND a.home = EXCLUDED.home AND a.generation < EXCLUDED.generation)`,
    )
  }

  vacate({ app, identityDigest }: AppKey, revision: string): PromisedAnswer<boolean> {
    return runChange(
      this.#database,
      `UPDATE evo_token.app AS a SET home = NULL, revision = $4::uuid, changed_at = ${NOW}
       WHERE ${OF_KEY} AND a.revision = $3::uuid RETURNING a.name`,
      [app, identityDigest, revision, randomUUID()],
    )
  }

  withdraw({ app, identityDigest }: AppKey, me: string): PromisedAnswer<boolean> {
    return runChange(
      this.#database,
      `DELETE FROM evo_token.app AS a WHERE ${OF_KEY} AND a.home = $3::uuid RETURNING a.name`,
      [app, identityDigest, me],
    )
  }

  askToMove(
    { app, identityDigest }: AppKey,
    revision: string,
    to: string,
  ): PromisedAnswer<boolean> {
    return runChange(
      this.#database,
      `UPDATE evo_token.app AS a SET move_to = $4::uuid, changed_at = ${NOW}
       WHERE ${OF_KEY} AND a.revision = $3::uuid RETURNING a.name`,
      [app, identityDigest, revision, to],
    )
  }

  endMove({ app, identityDigest }: AppKey, to: string): PromisedAnswer<boolean> {
    return runChange(
      this.#database,
      `UPDATE evo_token.app AS a SET move_to = NULL, changed_at = ${NOW}
       WHERE ${OF_KEY} AND a.move_to = $3::uuid RETURNING a.name`,
      [app, identityDigest, to],
    )
  }

  #write(row: PublishedRow, home: string, conflict: string): PromisedAnswer<string | undefined> {
    return this.#revision(
      `INSERT INTO evo_token.app AS a (${APP_COLUMNS}) VALUES (${APP_PARAMETERS})
       ON CONFLICT (name, identity_digest) ${conflict} RETURNING a.revision`,
      toParameters(row, home),
    )
  }

  /** Runs a statement that writes a row under a condition. Gives the revision; undefined where the condition did not hold. */
  async #revision(
    statement: string,
    values: readonly unknown[],
  ): PromisedAnswer<string | undefined> {
    const answer = await this.#database.ask<{ revision: string | null }>(
      (stamp) => `WITH done AS (${statement})
        SELECT ${stamp}, d.revision FROM ${ONE} LEFT JOIN done d ON true`,
      values,
    )
    return withValue(answer, (rows) => rows[0]?.revision ?? undefined)
  }
}

function toParameters(row: PublishedRow, home: string): readonly unknown[] {
  const { app, identityDigest, number, generation, kid, session, access } = row
  return [app, identityDigest, home, number, generation, randomUUID(), kid, session, access]
}
