/** The requests of one app to its authorization server that are out. */
import type { Clock } from '../core/ports.ts'
import type { Instant } from '../core/token.ts'

/** A request to the authorization server that is out. */
export interface OutstandingRequest {
  readonly since: Instant
  /** As `since`, on the monotonic clock. */
  readonly startedAt: number
  /** A refresh and a redemption spend something, and are never cut short; an issue spends nothing. */
  readonly kind: 'refresh' | 'redemption' | 'issue'
  readonly done: Promise<void>
}

export class OutstandingRequests implements Iterable<OutstandingRequest> {
  readonly #clock: Clock
  /** In the order in which they left. */
  readonly #requests = new Set<OutstandingRequest>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  [Symbol.iterator](): Iterator<OutstandingRequest> {
    return this.#requests.values()
  }

  has(request: OutstandingRequest): boolean {
    return this.#requests.has(request)
  }

  /** Counts a request as out, until the returned function is called. */
  begin(kind: OutstandingRequest['kind']): () => void {
    let done = (): void => undefined
    const now = this.#clock.read()
    const underWay: OutstandingRequest = {
      since: now.wall,
      startedAt: now.mono,
      kind,
      done: new Promise((resolve) => {
        done = resolve
      }),
    }
    this.#requests.add(underWay)
    return () => {
      this.#requests.delete(underWay)
      done()
    }
  }
}
