/**
 * The shared store in PostgreSQL. Each method is one unnamed statement outside of a transaction, so that
 * a pooler in transaction mode may stand between; each may run twice.
 */
import { randomUUID } from 'node:crypto'
import type { Failure } from '../../core/ports.ts'
import type { Pair } from '../../core/sharing/pair.ts'
import type {
  Answer,
  AppKey,
  Asked,
  CopiedRow,
  Copies,
  KeeperRow,
  RowHead,
  SharedStore,
  Swap,
  Wanted,
  WholeRow,
} from '../../core/sharing/shared-store.ts'
import type { Instant } from '../../core/token.ts'
import type { Announcements } from './announcements.ts'
import {
  type AppColumns,
  type KeeperColumns,
  toHead,
  toKeeper,
  toWanted,
  toWhole,
  type WantedColumns,
} from './columns.ts'
import type { Database } from './database.ts'

type Keeper = Omit<KeeperRow, 'beatAt'>
type Process = Pick<KeeperRow, 'id' | 'instance'>

const HEAD = 'a.name, a.identity_digest, a.home, a.home_no, a.generation, a.revision'
const NOW = 'clock_timestamp()'
/** So that a statement without a row of its own answers with its stamp. */
const ONE = '(SELECT 1) AS one'
const OF_KEY = 'a.name = $1 AND a.identity_digest = $2'

export class PostgresStore implements SharedStore {
  readonly #database: Database
  readonly #announcements: Announcements
  readonly #isReader: boolean

  constructor(database: Database, announcements: Announcements, role: 'keeper' | 'reader') {
    this.#database = database
    this.#announcements = announcements
    this.#isReader = role === 'reader'
  }

  fault(): Failure | undefined {
    return this.#database.fault
  }

  latencyMs(): number | undefined {
    return this.#database.latencyMs
  }

  hasTwoPrimaries(): boolean {
    return this.#database.primaries.length > 1
  }

  async close(): Promise<void> {
    await this.#announcements.close()
    await this.#database.close()
  }

  claim(keeper: Keeper): Asked<boolean> {
    return this.#writeBeat(keeper, 'true')
  }

  beat(keeper: Keeper): Asked<boolean> {
    return this.#writeBeat(keeper, 'k.instance = EXCLUDED.instance')
  }

  leave({ id, instance }: Process): Asked<boolean> {
    return this.#did(
      'UPDATE evo_token.keeper SET beat = to_timestamp(0) WHERE id = $1 AND instance = $2 RETURNING id',
      [id, instance],
    )
  }

  async keepers(): Asked<readonly KeeperRow[]> {
    const answer = await this.#database.ask<KeeperColumns>(
      (
        stamp,
      ) => `SELECT ${stamp}, k.id, k.name, k.instance, k.host, k.version, k.config_digest, k.kids,
          (extract(epoch FROM k.beat) * 1000)::float8 AS beat_at
        FROM ${ONE} LEFT JOIN evo_token.keeper k ON true`,
    )
    return withValue(answer, (rows) => rows.flatMap(toKeeper))
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

  publish(row: AppKey & Pair & Copies, me: string): Asked<string | undefined> {
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

  introduce(row: AppKey & Pair & Copies, me: string): Asked<string | undefined> {
    return this.#write(row, me, 'DO NOTHING')
  }

  swap({ revision, silent, ...row }: Swap, { id, instance }: Process): Asked<string | undefined> {
    const values = [
      ...valuesOf(row, id),
      revision,
      instance,
      silent?.id ?? null,
      silent?.since ?? null,
    ]
    // The beat of this process has to be the last one under its id, and the other's is not younger.
    const allowed = `EXISTS (SELECT 1 FROM evo_token.keeper k WHERE k.id = $3::uuid AND k.instance = $11::uuid)
      AND NOT EXISTS (SELECT 1 FROM evo_token.keeper k WHERE k.id = $12::uuid
        AND extract(epoch FROM k.beat) * 1000 > $13::float8 + 0.5)`
    return this.#revision(
      revision === null
        ? `INSERT INTO evo_token.app AS a (${COLUMNS}) SELECT ${PLACES}
             WHERE $10::uuid IS NULL AND ${allowed} ON CONFLICT DO NOTHING RETURNING a.revision`
        : `UPDATE evo_token.app AS a SET home = $3::uuid, home_no = $4, generation = $5, revision = $6::uuid,
             kid = $7, session = $8, access = $9, move_to = NULL, changed_at = ${NOW}
           WHERE ${OF_KEY} AND a.revision = $10::uuid AND ${allowed} RETURNING a.revision`,
      values,
    )
  }

  handOver(row: AppKey & Pair & Copies, to: string): Asked<string | undefined> {
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

  vacate({ app, identityDigest }: AppKey, revision: string): Asked<boolean> {
    return this.#did(
      `UPDATE evo_token.app AS a SET home = NULL, revision = $4::uuid, changed_at = ${NOW}
       WHERE ${OF_KEY} AND a.revision = $3::uuid RETURNING a.name`,
      [app, identityDigest, revision, randomUUID()],
    )
  }

  withdraw({ app, identityDigest }: AppKey, me: string): Asked<boolean> {
    return this.#did(
      `DELETE FROM evo_token.app AS a WHERE ${OF_KEY} AND a.home = $3::uuid RETURNING a.name`,
      [app, identityDigest, me],
    )
  }

  askToMove({ app, identityDigest }: AppKey, revision: string, to: string): Asked<boolean> {
    return this.#did(
      `UPDATE evo_token.app AS a SET move_to = $4::uuid, changed_at = ${NOW}
       WHERE ${OF_KEY} AND a.revision = $3::uuid RETURNING a.name`,
      [app, identityDigest, revision, to],
    )
  }

  want({ app, identityDigest, rejectedSha256, until }: Omit<Wanted, 'askedAt'>): Asked<boolean> {
    return this.#did('SELECT evo_token.want($1, $2, $3, to_timestamp($4::float8 / 1000)) AS name', [
      app,
      identityDigest,
      rejectedSha256,
      until,
    ])
  }

  async wanted(): Asked<readonly Wanted[]> {
    const answer = await this.#database.ask<WantedColumns>(
      (stamp) => `SELECT ${stamp}, w.name, w.identity_digest, w.rejected_sha256,
          (extract(epoch FROM w.wanted_until) * 1000)::float8 AS until,
          (extract(epoch FROM w.asked_at) * 1000)::float8 AS asked_at
        FROM ${ONE} LEFT JOIN evo_token.wanted w ON true`,
    )
    return withValue(answer, (rows) => rows.flatMap(toWanted))
  }

  fulfil({ app, identityDigest, askedAt }: Wanted): Asked<boolean> {
    return this.#did(
      // A reader may hold the row that it wrote: then it is left for the next time.
      `DELETE FROM evo_token.wanted WHERE ctid IN (
         SELECT a.ctid FROM evo_token.wanted a
          WHERE ${OF_KEY} AND extract(epoch FROM a.asked_at) * 1000 <= $3::float8 + 0.5
          FOR UPDATE SKIP LOCKED) RETURNING name`,
      [app, identityDigest, askedAt],
    )
  }

  announce(): void {
    this.#announcements.announce()
  }

  onAnnounced(listener: () => void): void {
    this.#announcements.listen(listener)
  }

  #writeBeat(keeper: Keeper, allowed: string): Asked<boolean> {
    const { id, name, instance, host, version, configDigest, kids } = keeper
    return this.#did(
      `INSERT INTO evo_token.keeper AS k (id, name, instance, host, version, config_digest, kids, beat)
       VALUES ($1, $2, $3, $4, $5, $6, $7, ${NOW})
       ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, instance = EXCLUDED.instance,
         host = EXCLUDED.host, version = EXCLUDED.version, config_digest = EXCLUDED.config_digest,
         kids = EXCLUDED.kids, beat = EXCLUDED.beat WHERE ${allowed} RETURNING k.id`,
      [id, name, instance, host, version, configDigest, kids],
    )
  }

  #write(row: AppKey & Pair & Copies, home: string, conflict: string): Asked<string | undefined> {
    return this.#revision(
      `INSERT INTO evo_token.app AS a (${COLUMNS}) VALUES (${PLACES})
       ON CONFLICT (name, identity_digest) ${conflict} RETURNING a.revision`,
      valuesOf(row, home),
    )
  }

  /** Runs a statement that writes a row, or not. */
  async #revision(statement: string, values: readonly unknown[]): Asked<string | undefined> {
    const answer = await this.#database.ask<{ revision: string | null }>(
      (stamp) => `WITH done AS (${statement})
        SELECT ${stamp}, d.revision FROM ${ONE} LEFT JOIN done d ON true`,
      values,
    )
    return withValue(answer, (rows) => rows[0]?.revision ?? undefined)
  }

  /** Runs a statement that returns a row where it did something. */
  async #did(statement: string, values: readonly unknown[]): Asked<boolean> {
    const answer = await this.#database.ask<{ done: boolean }>((stamp) => {
      const done = statement.startsWith('SELECT')
        ? `SELECT ${stamp}, (${statement}) IS NOT NULL AS done`
        : `WITH changed AS (${statement}) SELECT ${stamp}, EXISTS (SELECT 1 FROM changed) AS done`
      return done
    }, values)
    return withValue(answer, (rows) => rows[0]?.done ?? false)
  }
}

const COLUMNS =
  'name, identity_digest, home, home_no, generation, revision, kid, session, access, changed_at'
const PLACES = `$1::text, $2::text, $3::uuid, $4::bigint, $5::bigint, $6::uuid, $7::text, $8::text, $9::text, ${NOW}`

function valuesOf(row: AppKey & Pair & Copies, home: string): readonly unknown[] {
  const { app, identityDigest, number, generation, kid, session, access } = row
  return [app, identityDigest, home, number, generation, randomUUID(), kid, session, access]
}

function withValue<From, To>(
  answer: Answer<From> | undefined,
  toValue: (value: From) => To,
): Answer<To> | undefined {
  return answer && { ...answer, value: toValue(answer.value) }
}
