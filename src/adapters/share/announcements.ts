/**
 * NOTIFY and LISTEN: they make a change known within milliseconds. All of it is best effort, since the
 * others look by themselves all the time; behind a pooler in transaction mode nothing is heard.
 */
import type { Client } from 'pg'
import type { Database } from './database.ts'

const CHANNEL = 'evo_token'

export class Announcements {
  readonly #database: Database
  #listener: Client | undefined
  #connecting = false
  #closed = false

  constructor(database: Database) {
    this.#database = database
  }

  announce(): void {
    this.#database
      .ask((stamp) => `SELECT ${stamp}, pg_notify('${CHANNEL}', '')`)
      .catch(() => undefined)
  }

  /** Listens, and again after the connection was lost: call it often. */
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
    await client.query(`LISTEN ${CHANNEL}`).catch(() => {
      this.#forget()
    })
  }

  #forget(): void {
    const client = this.#listener
    this.#listener = undefined
    client?.end().catch(() => undefined)
  }
}
