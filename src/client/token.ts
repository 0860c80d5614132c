/** An access token that does not show itself. */
import { inspect } from 'node:util'
import { Secret } from '../secret.ts'
import type { Json } from './wire.ts'

const SPARE_MS = 60_000

/** A token says its end in whole seconds (RFC 7519 `exp`), and takes a moment to get there. */
const LEAST_SPARE_MS = 2_000

/** A token without an end may be revoked, or its session be another: the daemon is asked as often as for usual ones. */
const ENDLESS_FRESH_MS = 3_600_000

/** Both clocks, in milliseconds: one may be set back, the other stands still while the machine sleeps. @internal */
export interface Moment {
  readonly wall: number
  readonly monotonic: number
}

/** @internal */
export function now(): Moment {
  return { wall: Date.now(), monotonic: performance.now() }
}

/** Printing, logging and JSON give its fingerprint; `value` is the token itself. */
export class Token {
  readonly app: string
  readonly tokenType: string
  /** Space-separated; undefined where the server did not say. */
  readonly scope: string | undefined
  readonly #secret: Secret
  readonly #lifeMs: number
  readonly #asked: Moment

  /**
   * `asked` is when it was asked for: it lives no longer than counted from then. `lifeMs` is infinite
   * for a token that does not end.
   *
   * @internal
   */
  constructor(app: string, value: string, lifeMs: number, asked: Moment, answer: Json) {
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

  /** Seconds that it still lives, whichever clock has gone further since it came; `Infinity` without an end. */
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
