/** The beats of keepers: one row for each. */
import type { PromisedAnswer, KeeperRow } from '../../core/sharing/shared-store.ts'
import { type KeeperColumns, toKeeper } from './columns.ts'
import type { Database } from './database.ts'
import { bounded, inMs } from './stamp.ts'
import { runChange, NOW, ONE, withValue } from './statements.ts'

type OwnKeeperRow = Omit<KeeperRow, 'beatAt'>

export class KeeperRows {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  claim(keeper: OwnKeeperRow): PromisedAnswer<boolean> {
    return this.#writeBeat(keeper, 'true')
  }

  beat(keeper: OwnKeeperRow): PromisedAnswer<boolean> {
    return this.#writeBeat(keeper, 'k.instance = EXCLUDED.instance')
  }

  leave({ id, instance }: Pick<KeeperRow, 'id' | 'instance'>): PromisedAnswer<boolean> {
    return runChange(
      this.#database,
      'UPDATE evo_token.keeper SET beat = to_timestamp(0) WHERE id = $1 AND instance = $2 RETURNING id',
      [id, instance],
    )
  }

  async keepers(): PromisedAnswer<readonly KeeperRow[]> {
    const answer = await this.#database.ask<KeeperColumns>(
      (
        stamp,
      ) => `SELECT ${stamp}, k.id, k.name, k.instance, k.host, k.version, k.config_digest, k.kids,
          ${inMs(bounded('k.beat'))} AS beat_at
        FROM ${ONE} LEFT JOIN evo_token.keeper k ON true`,
    )
    return withValue(answer, (rows) => rows.flatMap(toKeeper))
  }

  #writeBeat(keeper: OwnKeeperRow, allowed: string): PromisedAnswer<boolean> {
    const { id, name, instance, host, version, configDigest, kids } = keeper
    return runChange(
      this.#database,
      `INSERT INTO evo_token.keeper AS k (id, name, instance, host, version, config_digest, kids, beat)
       VALUES ($1, $2, $3, $4, $5, $6, $7, ${NOW})
       ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, instance = EXCLUDED.instance,
         host = EXCLUDED.host, version = EXCLUDED.version, config_digest = EXCLUDED.config_digest,
         kids = EXCLUDED.kids, beat = EXCLUDED.beat WHERE ${allowed} RETURNING k.id`,
      [id, name, instance, host, version, configDigest, kids],
    )
  }
}
