/**
 * Room for connections, so many and no more. Any user of this machine can open them without a key,
 * and Node, where it is told a limit, turns away whoever comes last: a few hundred silent connections
 * would shut every caller out. Here the last one is let in, and the one that can best be spared goes.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A crowd is told of this often at most: it may come and go a hundred times a second. */
const MINUTE_MS = 60_000

export interface ConnectionLimitOptions {
  readonly max: number
  /** Told that connections were closed for want of room. */
  readonly onFull?: () => void
}

export class ConnectionLimit {
  readonly #max: number
  readonly #report: () => void
  /** Who has shown no key that we know, in the order of arrival. */
  readonly #unauthenticated = new Set<Socket>()
  readonly #authenticated = new Set<Socket>()
  /** How many answers each connection waits for that are not written yet. */
  readonly #pendingAnswers = new Map<Socket, number>()

  constructor({ max: most, onFull: onCrowd = () => undefined }: ConnectionLimitOptions) {
    this.#max = most
    this.#report = atMostOncePerMinute(onCrowd)
  }

  /** Takes `socket` in. The oldest silent stranger goes for it, else the oldest silent one that is known. */
  admit(socket: Socket): void {
    const inside = this.#unauthenticated.size + this.#authenticated.size
    if (inside >= this.#max) {
      this.#report()
      const dispensable =
        this.#idleIn(this.#unauthenticated) ?? this.#idleIn(this.#authenticated) ?? socket
      this.#forget(dispensable)
      dispensable.destroy()
      if (dispensable === socket) return
    }
    this.#unauthenticated.add(socket)
    socket.once('close', () => {
      this.#forget(socket)
    })
  }

  /** Whoever is behind `socket` has shown a key: strangers go first. */
  markAuthenticated(socket: Socket): void {
    if (this.#unauthenticated.delete(socket)) this.#authenticated.add(socket)
  }

  /** Nobody goes who waits for an answer. */
  keepUntilAnswered(socket: Socket, response: ServerResponse): void {
    const more = (by: number) => {
      const waiting = (this.#pendingAnswers.get(socket) ?? 0) + by
      if (waiting > 0) this.#pendingAnswers.set(socket, waiting)
      else this.#pendingAnswers.delete(socket)
    }
    more(1)
    response.once('close', () => {
      more(-1)
    })
  }

  #idleIn(sockets: ReadonlySet<Socket>): Socket | undefined {
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

/** `tell`, once a minute at most. */
export function atMostOncePerMinute<About extends readonly unknown[]>(
  tell: (...about: About) => void,
) {
  let toldAt = Number.NEGATIVE_INFINITY
  return (...about: About): void => {
    const now = performance.now()
    if (now - toldAt < MINUTE_MS) return
    toldAt = now
    tell(...about)
  }
}
