/**
 * A limit for open connections. Any user of this machine can open them without a key, and Node's own
 * limit turns away the newest one: a few hundred silent connections would shut every caller out. Here
 * the newest one is admitted, and the one that is needed least is closed.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const MINUTE_MS = 60_000

export interface ConnectionLimitOptions {
  readonly max: number
  /** Called when a connection is closed because there are too many; once a minute at most. */
  readonly onFull?: () => void
}

export class ConnectionLimit {
  readonly #max: number
  readonly #report: () => void
  /** Connections without a valid key so far, in the order of arrival. */
  readonly #unauthenticated = new Set<Socket>()
  readonly #authenticated = new Set<Socket>()
  /** How many unfinished responses each connection waits for. */
  readonly #pendingAnswers = new Map<Socket, number>()

  constructor({ max, onFull = () => undefined }: ConnectionLimitOptions) {
    this.#max = max
    this.#report = atMostOncePerMinute(onFull)
  }

  /** Admits `socket`. If there are too many, the oldest idle unauthenticated one is closed, else the oldest idle one. */
  admit(socket: Socket): void {
    const open = this.#unauthenticated.size + this.#authenticated.size
    if (open >= this.#max) {
      this.#report()
      const leastNeeded =
        this.#findIdle(this.#unauthenticated) ?? this.#findIdle(this.#authenticated) ?? socket
      this.#forget(leastNeeded)
      leastNeeded.destroy()
      if (leastNeeded === socket) return
    }
    this.#unauthenticated.add(socket)
    socket.once('close', () => {
      this.#forget(socket)
    })
  }

  /** Notes that `socket` has shown a valid key: unauthenticated ones are closed before it. */
  markAuthenticated(socket: Socket): void {
    if (this.#unauthenticated.delete(socket)) this.#authenticated.add(socket)
  }

  /** Keeps `socket` open until `response` is finished. */
  keepUntilAnswered(socket: Socket, response: ServerResponse): void {
    const count = (by: number) => {
      const pending = (this.#pendingAnswers.get(socket) ?? 0) + by
      if (pending > 0) this.#pendingAnswers.set(socket, pending)
      else this.#pendingAnswers.delete(socket)
    }
    count(1)
    response.once('close', () => {
      count(-1)
    })
  }

  #findIdle(sockets: ReadonlySet<Socket>): Socket | undefined {
    for (const socket of sockets) if (!this.#pendingAnswers.has(socket)) return socket
    return undefined
  }

  #forget(socket: Socket): void {
    this.#unauthenticated.delete(socket)
    this.#authenticated.delete(socket)
    // A response that waits behind another one on a connection that breaks is never closed.
    this.#pendingAnswers.delete(socket)
  }
}

/** `report`, called once a minute at most; calls in between are dropped. */
export function atMostOncePerMinute<About extends readonly unknown[]>(
  report: (...about: About) => void,
) {
  let reportedAt = Number.NEGATIVE_INFINITY
  return (...about: About): void => {
    const now = performance.now()
    if (now - reportedAt < MINUTE_MS) return
    reportedAt = now
    report(...about)
  }
}
