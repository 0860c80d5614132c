/**
 * A value that must not be shown. Printing, logging, JSON and `util.inspect`
 * give its fingerprint; only `expose()` gives the value.
 */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'

const live = new Set<WeakRef<Secret>>()
const forgotten = new FinalizationRegistry<WeakRef<Secret>>((reference) => live.delete(reference))

export class Secret {
  readonly #value: string
  #sha256: string | undefined

  constructor(value: string) {
    this.#value = value
    const reference = new WeakRef(this)
    live.add(reference)
    forgotten.register(this, reference)
  }

  /** Lower-case hex SHA-256 of the value. */
  get sha256(): string {
    this.#sha256 ??= sha256Hex(this.#value)
    return this.#sha256
  }

  /** The first 8 hex digits of the SHA-256: enough to follow a rotation, useless otherwise. */
  get fingerprint(): string {
    return this.sha256.slice(0, 8)
  }

  /** The value itself. Each caller of this is a place where a secret leaves our hands. */
  expose(): string {
    return this.#value
  }

  toString(): string {
    return `[secret ${this.fingerprint}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/** Lower-case hex SHA-256 of UTF-8 `value`. */
export function sha256Hex(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}

/** Every secret of this process that is still referenced: what a log line must not contain. */
export function liveSecrets(): Secret[] {
  const secrets: Secret[] = []
  for (const reference of live) {
    const secret = reference.deref()
    if (secret) secrets.push(secret)
  }
  return secrets
}
