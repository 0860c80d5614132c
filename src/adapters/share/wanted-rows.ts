/** The requests of readers and other keepers to the homes: one row per app. */
import type { PromisedAnswer, RenewalRequest } from '../../core/sharing/shared-store.ts'
import { toRenewalRequest, type WantedColumns } from './columns.ts'
import type { Database } from './database.ts'
import { bounded, inMs } from './stamp.ts'
import { runChange, OF_KEY, ONE, withValue } from './statements.ts'

export class WantedRows {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  askToRenew({
    app,
    identityDigest,
    rejectedSha256,
    until,
  }: Omit<RenewalRequest, 'askedAt'>): PromisedAnswer<boolean> {
    return runChange(
      this.#database,
      'SELECT evo_token.want($1, $2, $3, to_timestamp($4::float8 / 1000)) AS name',
      [app, identityDigest, rejectedSha256, until],
    )
  }

  async renewalRequests(): PromisedAnswer<readonly RenewalRequest[]> {
    const answer = await this.#database.ask<WantedColumns>(
      (stamp) => `SELECT ${stamp}, w.name, w.identity_digest, w.rejected_sha256,
          CASE WHEN w.wanted_until IS NOT NULL THEN ${inMs(bounded('w.wanted_until'))} END AS until,
          ${inMs(bounded('w.asked_at'))} AS asked_at
        FROM ${ONE} LEFT JOIN evo_token.wanted w ON true`,
    )
    return withValue(answer, (rows) => rows.flatMap(toRenewalRequest))
  }

  deleteRenewalRequest({ app, identityDigest, askedAt }: RenewalRequest): PromisedAnswer<boolean> {
    return runChange(
      this.#database,
      // A reader may have locked the row that it wrote: then the row is left for the next time.
      `DELETE FROM evo_token.wanted WHERE ctid IN (
         SELECT a.ctid FROM evo_token.wanted a
          WHERE ${OF_KEY} AND extract(epoch FROM a.asked_at) * 1000 <= $3::float8 + 0.5
          FOR UPDATE SKIP LOCKED) RETURNING name`,
      [app, identityDigest, askedAt],
    )
  }
}
