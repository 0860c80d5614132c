/** An access token that does not show itself. */
import { inspect } from 'node:util'
import { Secret } from '../secret.ts'
import type { JsonObject } from '../core/json-object.ts'

const SPARE_MS = 60_000

/** A token's end is in whole seconds (RFC 7519 `exp`), and a request needs time to arrive. */
const LEAST_SPARE_MS = 2_000

/** A token without an end may be revoked, or replaced by a new sign-in: the daemon is asked for it once an hour. */
const ENDLESS_FRESH_MS = 3_600_000

/** Both clocks, in milliseconds: the wall clock may be set back, the monotonic one may stop during sleep. @internal */
export interface Moment {
  readonly wall: number
  readonly monotonic: number
}

/** @internal */
export function now(): Moment {
  return { wall: Date.now(), monotonic: performance.now() }
}

/** An access token. Printing, logging and JSON show its fingerprint; `value` is the token itself. */
export class Token {
  readonly app: string
  readonly tokenType: string
  /** Space-separated; undefined where the server did not say. */
  readonly scope: string | undefined
  readonly #secret: Secret
  readonly #lifeMs: number
  readonly #asked: Moment

  /**
   * `lifeMs` counts from `asked`, when the token was requested. It is infinite for a token that does not end.
   *
   * @internal
   */
  constructor(app: string, value: string, lifeMs: number, asked: Moment, answer: JsonObject) {
    const { token_type: tokenType, scope } = answer
    this.app = app
    this.tokenType = typeof tokenType === 'string' ? tokenType : 'Bearer'
    this.scope = typeof scope === 'string' ? scope : undefined
    this.#secret = new Secret(value)
    this.#lifeMs = lifeMs
    this.#asked = asked
  }

  get value(): string {
    return this.#secret.expose()
  }

  /** The value of an `Authorization` header (RFC 6750 §2.1). */
  get authorization(): string {
    return `Bearer ${this.value}`
  }

  /** Null for a token that does not end. */
  get expiresAt(): Date | null {
    return this.#lifeMs === Infinity ? null : new Date(this.#asked.wall + this.#lifeMs)
  }

  /** Seconds until its end, by the clock that has gone further since; `Infinity` for a token that does not end. */
  get remainingS(): number {
    return Math.max(0, this.#lifeMs - this.#ageMs) / 1000
  }

  /** Whether it may be used without asking the daemon: until a minute before its end, or for an hour without one. */
  get isFresh(): boolean {
    if (this.#lifeMs === Infinity) return this.#ageMs < ENDLESS_FRESH_MS
    const spareMs = Math.max(LEAST_SPARE_MS, Math.min(SPARE_MS, this.#lifeMs / 4))
    return this.remainingS * 1000 > spareMs
  }

  get #ageMs(): number {
    const { wall, monotonic } = now()
    return Math.max(wall - this.#asked.wall, monotonic - this.#asked.monotonic)
  }

  /** Lower-case hex SHA-256 of the value. */
  get sha256(): string {
    return this.#secret.sha256
  }

  /** As the daemon's log and `evo-token status` show it. */
  get fingerprint(): string {
    return this.#secret.fingerprint
  }

  toString(): string {
    const until = this.expiresAt?.toISOString()
    const end = until === undefined ? 'without an end' : `good until ${until}`
    return `[token of ${this.app} ${this.fingerprint}, ${end}]`
  }

  toJSON(): string {
    return this.toString()
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString()
  }
}
