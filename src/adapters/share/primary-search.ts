/** Finds the database of the list that takes writes, and keeps a pool of connections to it. */
import type { Client, Pool } from 'pg'
import type { Clock, Log } from '../../core/ports.ts'
import type { ShareSettings } from '../../config/share-settings.ts'
import type { Secret } from '../../secret.ts'
import { clientFor, endOfCertificate, isPlain, poolFor } from './client-config.ts'
import { type ExaminedHost, examineHost } from './examine-host.ts'
import { isRefusal } from './refusal.ts'

/** How many statements may be under way at once. */
const STATEMENTS_AT_ONCE = 4

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

export interface Primary {
  readonly host: string
  readonly pool: Pool
  readonly incarnation: string
  readonly foundAt: number
}

/** A database of the list, as it was seen last. */
export interface DatabaseHost {
  readonly host: string
  /** Whether the connection uses TLS: always, unless it is on this machine. */
  readonly isEncrypted: boolean
  /** Undefined where it cannot be used. */
  readonly found?: ExaminedHost
  /** Why it cannot be used. */
  readonly error?: string
}

export class PrimarySearch {
  readonly #options: DatabaseOptions
  /** Keeps why a database of the list cannot be used. */
  readonly #fail: (error: unknown, host: string) => void
  #primary: Primary | undefined
  #finding: Promise<Primary | undefined> | undefined
  #primaries: readonly string[] = []
  readonly #hosts = new Map<string, DatabaseHost>()
  /** The databases that answer, and refuse another connection. */
  readonly #refusing = new Set<string>()
  #closed = false

  constructor(options: DatabaseOptions, fail: (error: unknown, host: string) => void) {
    this.#options = options
    this.#fail = fail
  }

  /** The databases of the list that take writes: one, if all is well. */
  get primaries(): readonly string[] {
    return this.#primaries
  }

  /** The databases of the list that were looked at, in its order. */
  get hosts(): readonly DatabaseHost[] {
    return this.#options.settings.hosts.flatMap((host) => this.#hosts.get(host) ?? [])
  }

  async find(): Promise<Primary | undefined> {
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
    // A host of the list that is gone takes seconds to fail: the known primary is used meanwhile.
    return known ?? this.#finding
  }

  /** Asks all of them, each time: an old primary may be back, and first in the list. */
  async #lookForPrimary(): Promise<Primary | undefined> {
    const { settings, clock, log } = this.#options
    const found = await Promise.all(settings.hosts.map((host) => this.#examine(host)))
    const primaries = found.flatMap((one) => (one && !one.inRecovery ? [one] : []))
    const writable = primaries.filter(({ isReadOnly }) => !isReadOnly)
    // A primary that was made read-only, as before a switch-over, gives way to one that takes writes.
    const taking = writable.length > 0 ? writable : primaries.slice(0, 1)
    // Two addresses of the same database count as one.
    const byProcess = new Map(taking.map(({ host, incarnation }) => [incarnation, host]))
    this.#primaries = [...byProcess.values()]
    if (this.#primaries.length > 1) {
      log.error({ hosts: this.#primaries }, 'more than one database takes writes')
    }
    const [first] = taking
    const before = this.#primary
    const foundAt = clock.read().mono
    if (!first && before && this.#refusing.has(before.host)) {
      // It refuses new connections: the existing ones go on.
      this.#primary = { ...before, foundAt }
      return this.#primary
    }
    if (!first) {
      if (before) await this.drop(before)
      const broken = this.hosts.find(({ error }) => error !== undefined)
      if (found.some((one) => one !== undefined)) {
        this.#fail(new Error('none takes writes now'), settings.hosts.join(', '))
      } else if (broken) this.#fail(broken.error, broken.host)
      return undefined
    }
    if (before && before.host === first.host && before.incarnation === first.incarnation) {
      this.#primary = { ...before, foundAt }
      return this.#primary
    }
    if (before) await this.drop(before)
    if (this.#closed) return undefined
    const { incarnation, host } = first
    this.#primary = { host, pool: this.#newPool(host), incarnation, foundAt }
    log.info({ host }, 'the database answers')
    return this.#primary
  }

  async #examine(host: string) {
    let client: Client | undefined
    this.#refusing.delete(host)
    try {
      client = this.newClient(host)
      await client.connect()
      const found = await examineHost(client)
      this.#note({ host, isEncrypted: !isPlain(host), found })
      return { host, ...found }
    } catch (error) {
      if (isRefusal(error)) this.#refusing.add(host)
      const ended = isPlain(host) ? undefined : endOfCertificate(this.#options.settings)
      const reason = [error instanceof Error ? error.message : String(error), ended ?? []]
        .flat()
        .join('; ')
      this.#note({ host, isEncrypted: !isPlain(host), error: reason })
      return undefined
    } finally {
      client?.end().catch(() => undefined)
    }
  }

  /** Keeps what was seen. A database that is gone is only logged: another one may take writes. */
  #note(seen: DatabaseHost): void {
    const { host, error: reason } = seen
    const isNews = reason !== this.#hosts.get(host)?.error
    this.#hosts.set(host, seen)
    if (reason !== undefined && isNews && this.#options.settings.hosts.length > 1) {
      this.#options.log.warn({ host, reason }, 'a database of "share.hosts" cannot be used')
    }
  }

  #newPool(host: string): Pool {
    const { settings, password, limitMs } = this.#options
    const pool = poolFor(settings, host, password, limitMs, STATEMENTS_AT_ONCE)
    // The next statement finds out that an idle connection was lost.
    pool.on('error', () => undefined)
    pool.on('connect', (client) => {
      client.on('error', () => undefined)
    })
    return pool
  }

  newClient(host: string): Client {
    const { settings, password, limitMs } = this.#options
    const client = clientFor(settings, host, password, limitMs)
    client.on('error', () => undefined)
    return client
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#primary) await this.drop(this.#primary)
  }

  async drop(primary: Primary): Promise<void> {
    if (this.#primary === primary || this.#primary?.pool === primary.pool) this.#primary = undefined
    // A pool waits for its statements, and one of them may hang.
    primary.pool.end().catch(() => undefined)
  }
}
