/**
 * NOTIFY and LISTEN: they make a change known within milliseconds. All of it is best effort, since every
 * host also polls; behind a pooler in transaction mode nothing arrives.
 */
import type { Client } from 'pg'
import type { Database } from './database.ts'

const ANNOUNCEMENT_CHANNEL = 'evo_token'

export class Announcements {
  readonly #database: Database
  #listener: Client | undefined
  #connecting = false
  #telling: Promise<void> | undefined
  /** Whether something changed since the announcement that is under way. */
  #isNews = false
  #closed = false

  constructor(database: Database) {
    this.#database = database
  }

  /** One at a time: the next one announces everything that changes meanwhile. */
  announce(): void {
    this.#isNews = true
    this.#telling ??= this.#tell()
      .catch(() => undefined)
      .finally(() => {
        this.#telling = undefined
      })
  }

  /** Begins to listen, unless it does already: call it often, since a connection may get lost. */
  listen(heard: () => void): void {
    if (this.#listener || this.#connecting || this.#closed) return
    this.#connecting = true
    this.#connect(heard)
      .catch(() => undefined)
      .finally(() => {
        this.#connecting = false
      })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#forget()
  }

  async #tell(): Promise<void> {
    while (this.#isNews) {
      this.#isNews = false
      await this.#database.ask(
        (stamp) => `SELECT ${stamp}, pg_notify('${ANNOUNCEMENT_CHANNEL}', '')`,
      )
    }
  }

  async #connect(heard: () => void): Promise<void> {
    const client = await this.#database.connect()
    if (!client) return
    if (this.#closed) {
      client.end().catch(() => undefined)
      return
    }
    this.#listener = client
    client.on('notification', heard)
    client.on('error', () => {
      this.#forget()
    })
    client.on('end', () => {
      this.#forget()
    })
    await client.query(`LISTEN ${ANNOUNCEMENT_CHANNEL}`).catch(() => {
      this.#forget()
    })
  }

  #forget(): void {
    const client = this.#listener
    this.#listener = undefined
    client?.end().catch(() => undefined)
  }
}
