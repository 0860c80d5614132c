/** Reads the rows of apps. A reader has no right to see the sessions in them, or who asks to become the home. */
import type {
  AppKey,
  Asked,
  CopiedRow,
  RowHead,
  WholeRow,
} from '../../core/sharing/shared-store.ts'
import type { Instant } from '../../core/token.ts'
import { type AppColumns, toHead, toWhole } from './columns.ts'
import type { Database } from './database.ts'
import { OF_KEY, ONE, withValue } from './statements.ts'

const HEAD = 'a.name, a.identity_digest, a.home, a.home_no, a.generation, a.revision'

export class AppReads {
  readonly #database: Database
  readonly #isReader: boolean

  constructor(database: Database, role: 'keeper' | 'reader') {
    this.#database = database
    this.#isReader = role === 'reader'
  }

  async heads(): Asked<readonly RowHead[]> {
    const answer = await this.#database.ask<AppColumns>(
      (stamp) =>
        `SELECT ${stamp}, ${HEAD}, a.move_to FROM ${ONE} LEFT JOIN evo_token.app a ON true`,
    )
    return withValue(answer, (rows) => rows.flatMap(toHead))
  }

  async changed(since: Instant | undefined): Asked<readonly CopiedRow[]> {
    const moveTo = this.#isReader ? 'NULL::uuid AS move_to' : 'a.move_to'
    const answer = await this.#database.ask<AppColumns>(
      (stamp) => `SELECT ${stamp}, ${HEAD}, ${moveTo}, a.access
        FROM ${ONE} LEFT JOIN evo_token.app a
          ON $1::float8 IS NULL OR a.changed_at > to_timestamp($1::float8 / 1000)`,
      [since ?? null],
    )
    return withValue(answer, (rows) =>
      rows.flatMap((row) => toHead(row).map((head) => ({ ...head, access: row.access }))),
    )
  }

  async head({ app, identityDigest }: AppKey): Asked<RowHead | undefined> {
    const answer = await this.#database.ask<AppColumns>(
      (stamp) =>
        `SELECT ${stamp}, ${HEAD}, a.move_to FROM ${ONE} LEFT JOIN evo_token.app a ON ${OF_KEY}`,
      [app, identityDigest],
    )
    return withValue(answer, (rows) => rows.flatMap(toHead)[0])
  }

  async open({ app, identityDigest }: AppKey): Asked<WholeRow | undefined> {
    const answer = await this.#database.ask<AppColumns>(
      (stamp) => `SELECT ${stamp}, ${HEAD}, a.move_to, a.access, a.kid, a.session
        FROM ${ONE} LEFT JOIN evo_token.app a ON ${OF_KEY}`,
      [app, identityDigest],
    )
    return withValue(answer, (rows) => rows.flatMap(toWhole)[0])
  }
}
