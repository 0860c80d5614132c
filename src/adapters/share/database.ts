/**
 * The connections to the database: to the one of the list that takes writes. A statement that is not
 * answered in time loses its connection, and may have been executed all the same.
 */
import type { Client, Pool, PoolClient, QueryResultRow } from 'pg'
import type { Failure } from '../../core/ports.ts'
import type { DatabaseAnswer } from '../../core/sharing/shared-store.ts'
import { type DatabaseHost, type DatabaseOptions, PrimarySearch } from './primary-search.ts'
import { isRefusal } from './refusal.ts'
import { STAMP, type Stamp } from './stamp.ts'

export class Database {
  readonly #options: DatabaseOptions
  readonly #search: PrimarySearch
  #fault: Failure | undefined
  /** Each statement, by its text, whose last run the database refused or left unanswered, and when (monotonic clock). */
  readonly #refused = new Map<string, { readonly failure: Failure; readonly at: number }>()
  /** When the listener may connect again (monotonic clock). */
  #listenAt = -Infinity
  #latencyMs: number | undefined

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.#search = new PrimarySearch(options, (error, host) => {
      this.#fail(error, host)
    })
  }

  /** What keeps statements from the database, or one of them: others may be answered meanwhile. */
  get fault(): Failure | undefined {
    return this.#fault ?? this.#refusals().at(-1)
  }

  get latencyMs(): number | undefined {
    return this.#latencyMs
  }

  /** The databases of the list that take writes: one, if all is well. */
  get primaries(): readonly string[] {
    return this.#search.primaries
  }

  /** The databases of the list, as they were seen last. */
  get hosts(): readonly DatabaseHost[] {
    return this.#search.hosts
  }

  /**
   * Runs one statement, and reads the database's clock with it. Undefined where no answer came.
   *
   * @param toStatement makes the statement; it has to select `stamp` beside its own columns.
   */
  async ask<Row extends QueryResultRow>(
    toStatement: (stamp: string) => string,
    values: readonly unknown[] = [],
  ): Promise<DatabaseAnswer<readonly (Row & Stamp)[]> | undefined> {
    const primary = await this.#search.find()
    if (!primary) return undefined
    const { clock } = this.#options
    const statement = toStatement(STAMP)
    let client: PoolClient | undefined
    try {
      client = await connectionOf(primary.pool)
      const sent = clock.read()
      const { rows } = await client.query<Row & Stamp>(statement, [...values])
      const received = clock.read()
      this.#latencyMs = received.mono - sent.mono
      client.release()
      client = undefined
      this.#fault = undefined
      this.#noteAnswer(statement, primary.host)
      const [first] = rows
      if (!first) throw new Error('a statement answered without its stamp')
      const { stamp_now, stamp_incarnation: incarnation } = first
      const now = Number(stamp_now)
      return { value: rows, now, incarnation, sent, received }
    } catch (error) {
      if (isRefusal(error)) {
        client?.release()
        this.#noteRefusal(statement, `refuses: ${error.message}`, primary.host)
        return undefined
      }
      // The statement may hang, and its connection with it: neither is used again.
      client?.release(true)
      // A statement that hangs says nothing about the others.
      if (isTimeout(error)) {
        this.#noteRefusal(statement, 'does not answer in time', primary.host)
        return undefined
      }
      this.#fail(error, primary.host)
      await this.#search.drop(primary)
      return undefined
    }
  }

  /** A new connection, for the listener; undefined where there is none to be had. */
  async connect(): Promise<Client | undefined> {
    const { clock, primariesMs } = this.#options
    if (clock.read().mono < this.#listenAt) return undefined
    const primary = await this.#search.find()
    if (!primary) return undefined
    const client = this.#search.newClient(primary.host)
    try {
      await client.connect()
      return client
    } catch (error) {
      // Statements report what is wrong. A database that has no connection to spare is left alone for a while.
      if (isRefusal(error)) this.#listenAt = clock.read().mono + primariesMs
      return undefined
    }
  }

  async close(): Promise<void> {
    await this.#search.close()
  }

  #fail(error: unknown, host: string): void {
    const reason = reasonOf(error)
    const fault = {
      code: 'unavailable',
      message: `The database ${host} cannot be used: ${reason}.`,
    }
    if (this.#fault?.message !== fault.message)
      this.#options.log.warn({ host, reason }, 'no database')
    this.#fault = fault
  }

  /** A refused statement is repeated, and others are answered in between: the refusal is logged once. */
  #noteRefusal(statement: string, reason: string, host: string): void {
    const message = `The database ${host} ${reason}.`
    if (!this.#refusals().some((known) => known.message === message)) {
      this.#options.log.warn({ host, reason }, 'the database leaves a statement undone')
    }
    const { mono: at } = this.#options.clock.read()
    // The newest comes last.
    this.#refused.delete(statement)
    this.#refused.set(statement, { failure: { code: 'unavailable', message }, at })
  }

  #noteAnswer(statement: string, host: string): void {
    if (!this.#refused.delete(statement) || this.#refusals().length > 0) return
    this.#options.log.info({ host }, 'the database does every statement again')
  }

  /** The recent refusals: a statement of an owner's command may never be repeated. */
  #refusals(): readonly Failure[] {
    const { mono } = this.#options.clock.read()
    const recent = [...this.#refused.values()].filter(({ at }) => mono - at < REFUSAL_HOLDS_MS)
    return recent.map(({ failure }) => failure)
  }
}

/** A new connection, while the pool may have more; where the database has none to spare, an existing one as soon as it is free. */
async function connectionOf(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    if (!isRefusal(error) || pool.totalCount === 0) throw error
    const { options } = pool
    const { max } = options
    // A full pool makes its caller wait for a connection. It looks at its limit in this call only.
    options.max = pool.totalCount
    const free = pool.connect()
    options.max = max
    return free
  }
}

/** Longer than the interval of the rarest statement. */
const REFUSAL_HOLDS_MS = 60_000

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** As the driver words it. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout'
}
