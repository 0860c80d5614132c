/** When to repeat what keeps failing: after 5 s, then twice as long each time, up to a minute. */
const RETRY_MIN_MS = 5_000
const RETRY_MAX_MS = 60_000

export class Retries {
  #attempts = 0
  /** On the monotonic clock. */
  #retryAt = -Infinity

  /** How many attempts have failed. */
  get attempts(): number {
    return this.#attempts
  }

  isDue(mono: number): boolean {
    return mono >= this.#retryAt
  }

  /** Counts an attempt, which has failed unless `reset` follows. */
  count(mono: number): void {
    this.#attempts += 1
    this.#retryAt = mono + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (this.#attempts - 1))
  }

  reset(): void {
    this.#attempts = 0
    this.#retryAt = -Infinity
  }
}
