/** Records that exist and cannot be read now: tried again less and less often, each logged once. */
import type { Clock, Failure, Log } from '../core/ports.ts'
import type { LoadedRecord } from '../core/vault.ts'
import { SidecarError } from '../errors.ts'
import { Retries } from './retries.ts'
import type { NotRestored } from './status-of.ts'

export interface UnreadRecordsDeps {
  readonly clock: Clock
  readonly log: Log
}

export class UnreadRecords {
  readonly #deps: UnreadRecordsDeps
  readonly #retries = new Retries()
  readonly #failures = new Map<string, Failure>()

  constructor(deps: UnreadRecordsDeps) {
    this.#deps = deps
  }

  isRetryDue(mono: number): boolean {
    return this.#retries.isDue(mono)
  }

  /** Why the record of the app could not be read. */
  find(app: string): NotRestored | undefined {
    const failure = this.#failures.get(app)
    return (
      failure && {
        case: 'record_unread',
        failure,
        hint: UNREAD_HINT,
        attempts: this.#retries.attempts,
      }
    )
  }

  beginAttempt(): void {
    this.#retries.count(this.#deps.clock.read().mono)
  }

  /** Undefined where the record cannot be read; the reason is kept and logged. */
  async tryToRead(
    app: string,
    load: () => Promise<LoadedRecord | undefined>,
  ): Promise<{ readonly loaded: LoadedRecord | undefined } | undefined> {
    const { log } = this.#deps
    try {
      const loaded = await load()
      if (this.#failures.delete(app)) log.info({ app }, 'the record can be read again')
      return { loaded }
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error
      if (this.#failures.get(app)?.message !== error.message) {
        log.warn({ app, error: error.code, hint: UNREAD_HINT }, error.message)
      }
      this.#failures.set(app, { code: error.code, message: error.message })
      return undefined
    }
  }

  forget(app: string): void {
    this.#failures.delete(app)
  }

  /** All of them could be read. */
  end(): void {
    this.#retries.reset()
    this.#failures.clear()
  }
}

const UNREAD_HINT =
  'Nothing is lost: it is read again by itself, at least once a minute. If the file cannot be repaired, move it away and sign in.'
