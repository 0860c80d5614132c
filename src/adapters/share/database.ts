/**
 * The connections to the database: to that one of the list which takes writes. A statement that is not
 * answered in time loses its connection, and may have been done all the same.
 */
import type { Client, PoolClient, QueryResultRow } from 'pg'
import type { Failure } from '../../core/ports.ts'
import type { Answer } from '../../core/sharing/shared-store.ts'
import { type DatabaseOptions, PrimarySearch } from './primary-search.ts'
import { STAMP, type Stamp } from './stamp.ts'

export class Database {
  readonly #options: DatabaseOptions
  readonly #search: PrimarySearch
  #fault: Failure | undefined
  #latencyMs: number | undefined

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.#search = new PrimarySearch(options, (error, host) => {
      this.#fail(error, host)
    })
  }

  get fault(): Failure | undefined {
    return this.#fault
  }

  get latencyMs(): number | undefined {
    return this.#latencyMs
  }

  /** The databases of the list that take writes: one, if all is well. */
  get primaries(): readonly string[] {
    return this.#search.primaries
  }

  /**
   * Runs one statement, and reads the database's clock with it. Undefined where no answer came.
   *
   * @param toStatement makes the statement; it has to select `stamp` beside its own columns.
   */
  async ask<Row extends QueryResultRow>(
    toStatement: (stamp: string) => string,
    values: readonly unknown[] = [],
  ): Promise<Answer<readonly (Row & Stamp)[]> | undefined> {
    const primary = await this.#search.find()
    if (!primary) return undefined
    const { clock } = this.#options
    let client: PoolClient | undefined
    try {
      client = await primary.pool.connect()
      const sent = clock.read()
      const { rows } = await client.query<Row & Stamp>(toStatement(STAMP), [...values])
      const received = clock.read()
      this.#latencyMs = received.mono - sent.mono
      client.release()
      client = undefined
      this.#fault = undefined
      const [first] = rows
      if (!first) throw new Error('a statement answered without its stamp')
      const { stamp_now: now, stamp_incarnation: incarnation } = first
      return { value: rows, now, incarnation, sent, received }
    } catch (error) {
      if (isRefusal(error)) {
        client?.release()
        this.#fail(error, primary.host)
        return undefined
      }
      // The statement may hang, and its connection with it: neither is used again.
      client?.release(true)
      this.#fail(error, primary.host)
      // One that hangs says nothing of the others.
      if (!isTimeout(error)) await this.#search.drop(primary)
      return undefined
    }
  }

  /** A connection of its own, for one who listens; undefined where there is none to be had. */
  async connect(): Promise<Client | undefined> {
    const primary = await this.#search.find()
    if (!primary) return undefined
    const client = await this.#search.newClient(primary.host)
    try {
      await client.connect()
      return client
    } catch (error) {
      this.#fail(error, primary.host)
      return undefined
    }
  }

  async close(): Promise<void> {
    await this.#search.close()
  }

  #fail(error: unknown, host: string): void {
    const reason = error instanceof Error ? error.message : String(error)
    const fault = {
      code: 'unavailable',
      message: `The database ${host} cannot be used: ${reason}.`,
    }
    if (this.#fault?.message !== fault.message)
      this.#options.log.warn({ host, reason }, 'no database')
    this.#fault = fault
  }
}

/** Whether the database refused the statement, rather than the connection: classes 08 and 57 are of that. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|28|57)/.test(code)
}

/** As the driver words it. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout'
}
