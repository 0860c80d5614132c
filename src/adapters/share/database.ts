/**
 * The connections to the database: to that one of the list which takes writes. A statement that is not
 * answered in time loses its connection, and may have been done all the same.
 */
import type { Client, Pool, PoolClient, QueryResultRow } from 'pg'
import type { Clock, Failure, Log } from '../../core/ports.ts'
import type { Answer } from '../../core/sharing/shared-store.ts'
import type { ShareSettings } from '../../config/share-settings.ts'
import type { Secret } from '../../secret.ts'
import { clientFor, poolFor } from './client-config.ts'

/** How many statements may be under way at once. */
const CONNECTIONS_MAX = 4

export interface DatabaseOptions {
  readonly settings: ShareSettings
  /** Read at each connect, so that a new password needs no restart; undefined for none. */
  readonly password: () => Secret | undefined
  readonly clock: Clock
  readonly log: Log
  /** The longest that a statement is waited for, in milliseconds. */
  readonly limitMs: number
  /** As in `SharingPolicy`. */
  readonly primariesMs: number
}

interface Primary {
  readonly host: string
  readonly pool: Pool
  readonly incarnation: string
  readonly foundAt: number
}

/** What each statement begins with: the clock of the database, and which process of it answers. */
const STAMP = `(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS stamp_now,
  (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text AS stamp_incarnation`

interface Stamp extends QueryResultRow {
  readonly stamp_now: number
  readonly stamp_incarnation: string
}

export class Database {
  readonly #options: DatabaseOptions
  #primary: Primary | undefined
  #finding: Promise<Primary | undefined> | undefined
  #fault: Failure | undefined
  #latencyMs: number | undefined
  #primaries: readonly string[] = []
  #closed = false

  constructor(options: DatabaseOptions) {
    this.#options = options
  }

  get fault(): Failure | undefined {
    return this.#fault
  }

  get latencyMs(): number | undefined {
    return this.#latencyMs
  }

  /** The databases of the list that take writes: one, if all is well. */
  get primaries(): readonly string[] {
    return this.#primaries
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
    const primary = await this.#findPrimary()
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
      if (!isTimeout(error)) await this.#drop(primary)
      return undefined
    }
  }

  /** A connection of its own, for one who listens; undefined where there is none to be had. */
  async connect(): Promise<Client | undefined> {
    const primary = await this.#findPrimary()
    if (!primary) return undefined
    const client = await this.#newClient(primary.host)
    try {
      await client.connect()
      return client
    } catch (error) {
      this.#fail(error, primary.host)
      return undefined
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#primary) await this.#drop(this.#primary)
  }

  async #findPrimary(): Promise<Primary | undefined> {
    if (this.#closed) return undefined
    const known = this.#primary
    const { mono } = this.#options.clock.read()
    if (known && mono - known.foundAt < this.#options.primariesMs) return known
    this.#finding ??= this.#lookForPrimary()
      .catch((error: unknown) => {
        this.#fail(error, this.#options.settings.hosts.join(', '))
        return undefined
      })
      .finally(() => {
        this.#finding = undefined
      })
    // A host of the list that is gone takes seconds to say so: the one that answers is used meanwhile.
    return known ?? this.#finding
  }

  /** Asks all of them, each time: an old primary may be back, and first in the list. */
  async #lookForPrimary(): Promise<Primary | undefined> {
    const { settings, clock, log } = this.#options
    const found = await Promise.all(settings.hosts.map((host) => this.#examine(host)))
    const taking = found.flatMap((one) => (one && !one.inRecovery ? [one] : []))
    // Two ways to the same one are no two.
    const byProcess = new Map(taking.map(({ host, incarnation }) => [incarnation, host]))
    this.#primaries = [...byProcess.values()]
    if (this.#primaries.length > 1) {
      log.error({ hosts: this.#primaries }, 'more than one database takes writes')
    }
    const [first] = taking
    const before = this.#primary
    const foundAt = clock.read().mono
    if (!first) {
      if (before) await this.#drop(before)
      if (found.some((one) => one !== undefined)) {
        this.#fault = {
          code: 'unavailable',
          message: 'No database of "share.hosts" takes writes now.',
        }
      }
      return undefined
    }
    if (before && before.host === first.host && before.incarnation === first.incarnation) {
      this.#primary = { ...before, foundAt }
      return this.#primary
    }
    if (before) await this.#drop(before)
    if (this.#closed) return undefined
    const { incarnation, host } = first
    this.#primary = { host, pool: await this.#newPool(host), incarnation, foundAt }
    log.info({ host }, 'the database answers')
    return this.#primary
  }

  async #examine(host: string) {
    const client = await this.#newClient(host)
    try {
      await client.connect()
      const { rows } = await client.query<{ recovering: boolean; version: string } & Stamp>(
        `SELECT pg_is_in_recovery() AS recovering, version() AS version, ${STAMP}`,
      )
      const [row] = rows
      if (!row) return undefined
      const foreign = /CockroachDB|YugabyteDB|-YB-/.exec(row.version)
      if (foreign) throw new Error(`${foreign[0]} is not supported: it is no PostgreSQL`)
      return { host, inRecovery: row.recovering, incarnation: row.stamp_incarnation }
    } catch (error) {
      this.#fail(error, host)
      return undefined
    } finally {
      client.end().catch(() => undefined)
    }
  }

  async #newPool(host: string): Promise<Pool> {
    const { settings, password, limitMs } = this.#options
    const pool = await poolFor(settings, host, password(), limitMs, CONNECTIONS_MAX)
    // What happens to an idle connection is found out with the next statement.
    pool.on('error', () => undefined)
    pool.on('connect', (client) => {
      client.on('error', () => undefined)
    })
    return pool
  }

  async #newClient(host: string): Promise<Client> {
    const { settings, password, limitMs } = this.#options
    const client = await clientFor(settings, host, password(), limitMs)
    client.on('error', () => undefined)
    return client
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

  async #drop(primary: Primary): Promise<void> {
    if (this.#primary === primary || this.#primary?.pool === primary.pool) this.#primary = undefined
    // A pool waits for its statements, and one of them may hang.
    primary.pool.end().catch(() => undefined)
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
