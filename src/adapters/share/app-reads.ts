/** Reads the rows of apps. A reader has no right to see the sessions in them, or which keeper asks to become the home. */
import type {
  AppKey,
  PromisedAnswer,
  CopiedRow,
  RowHead,
  WholeRow,
} from '../../core/sharing/shared-store.ts'
import type { Instant } from '../../core/token.ts'
import { type AppColumns, toHead, toWhole } from './columns.ts'
import type { Database } from './database.ts'
import { OF_KEY, ONE, withValue } from './statements.ts'

const HEAD_COLUMNS = 'a.name, a.identity_digest, a.home, a.home_no, a.generation, a.revision'

export class AppReads {
  readonly #database: Database
  readonly #isReader: boolean

  constructor(database: Database, role: 'keeper' | 'reader') {
    this.#database = database
    this.#isReader = role === 'reader'
  }

  async heads(): PromisedAnswer<readonly RowHead[]> {
    const answer = await this.#database.ask<AppColumns>(
      (stamp) =>
        `SELECT ${stamp}, ${HEAD_COLUMNS}, a.move_to FROM ${ONE} LEFT JOIN evo_token.app a ON true`,
    )
    return withValue(answer, (rows) => rows.flatMap(toHead))
  }

  async changed(since: Instant | undefined): PromisedAnswer<readonly RowHead[]> {
    const answer = await this.#database.ask<AppColumns>(
      (stamp) => `SELECT ${stamp}, ${HEAD_COLUMNS}, ${this.#moveTo()}
        FROM ${ONE} LEFT JOIN evo_token.app a
          ON $1::float8 IS NULL OR a.changed_at > to_timestamp($1::float8 / 1000)`,
      [since ?? null],
    )
    return withValue(answer, (rows) => rows.flatMap(toHead))
  }

  async copies(keys: readonly AppKey[]): PromisedAnswer<readonly CopiedRow[]> {
    const answer = await this.#database.ask<AppColumns>(
      (stamp) => `SELECT ${stamp}, ${HEAD_COLUMNS}, ${this.#moveTo()}, a.access
        FROM ${ONE} LEFT JOIN (unnest($1::text[], $2::text[]) AS k (name, digest)
          JOIN evo_token.app a ON a.name = k.name AND a.identity_digest = k.digest) ON true`,
      [keys.map(({ app }) => app), keys.map(({ identityDigest }) => identityDigest)],
    )
    return withValue(answer, (rows) =>
      rows.flatMap((row) => toHead(row).map((head) => ({ ...head, access: row.access }))),
    )
  }

  async head({ app, identityDigest }: AppKey): PromisedAnswer<RowHead | undefined> {
    const answer = await this.#database.ask<AppColumns>(
      (stamp) =>
        `SELECT ${stamp}, ${HEAD_COLUMNS}, a.move_to FROM ${ONE} LEFT JOIN evo_token.app a ON ${OF_KEY}`,
      [app, identityDigest],
    )
    return withValue(answer, (rows) => rows.flatMap(toHead)[0])
  }

  async open({ app, identityDigest }: AppKey): PromisedAnswer<WholeRow | undefined> {
    const answer = await this.#database.ask<AppColumns>(
      (stamp) => `SELECT ${stamp}, ${HEAD_COLUMNS}, a.move_to, a.access, a.kid, a.session
        FROM ${ONE} LEFT JOIN evo_token.app a ON ${OF_KEY}`,
      [app, identityDigest],
    )
    return withValue(answer, (rows) => rows.flatMap(toWhole)[0])
  }

  #moveTo(): string {
    return this.#isReader ? 'NULL::uuid AS move_to' : 'a.move_to'
  }
}
