/**
 * Room for connections, so many and no more. Any user of this machine can open them without a key,
 * and Node, where it is told a limit, turns away whoever comes last: a few hundred silent connections
 * would shut every caller out. Here the last one is let in, and the one that can best be spared goes.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A crowd is told of this often at most: it may come and go a hundred times a second. */
const TOLD_EVERY_MS = 60_000

export interface RoomOptions {
  readonly most: number
  /** Told that connections were closed for want of room. */
  readonly onCrowd?: () => void
}

export class ConnectionRoom {
  readonly #most: number
  readonly #tell: () => void
  /** Who has shown no key that we know, in the order of arrival. */
  readonly #strangers = new Set<Socket>()
  readonly #known = new Set<Socket>()
  /** How many answers each connection waits for that are not written yet. */
  readonly #awaited = new Map<Socket, number>()

  constructor({ most, onCrowd = () => undefined }: RoomOptions) {
    this.#most = most
    this.#tell = seldom(onCrowd)
  }

  /** Takes `socket` in. The oldest silent stranger goes for it, else the oldest silent one that is known. */
  enter(socket: Socket): void {
    const inside = this.#strangers.size + this.#known.size
    if (inside >= this.#most) {
      this.#tell()
      const dispensable = this.#idleIn(this.#strangers) ?? this.#idleIn(this.#known) ?? socket
      this.#forget(dispensable)
      dispensable.destroy()
      if (dispensable === socket) return
    }
    this.#strangers.add(socket)
    socket.once('close', () => {
      this.#forget(socket)
    })
  }

  /** Whoever is behind `socket` has shown a key: strangers go first. */
  recognize(socket: Socket): void {
    if (this.#strangers.delete(socket)) this.#known.add(socket)
  }

  /** Nobody goes who waits for an answer. */
  hold(socket: Socket, response: ServerResponse): void {
    const more = (by: number) => {
      const waiting = (this.#awaited.get(socket) ?? 0) + by
      if (waiting > 0) this.#awaited.set(socket, waiting)
      else this.#awaited.delete(socket)
    }
    more(1)
    response.once('close', () => {
      more(-1)
    })
  }

  #idleIn(sockets: ReadonlySet<Socket>): Socket | undefined {
    for (const socket of sockets) if (!this.#awaited.has(socket)) return socket
    return undefined
  }

  #forget(socket: Socket): void {
    this.#strangers.delete(socket)
    this.#known.delete(socket)
    // A response that waits behind another one on a connection that breaks is never closed.
    this.#awaited.delete(socket)
  }
}

/** `tell`, once a minute at most. */
export function seldom<About extends readonly unknown[]>(tell: (...about: About) => void) {
  let toldAt = Number.NEGATIVE_INFINITY
  return (...about: About): void => {
    const now = performance.now()
    if (now - toldAt < TOLD_EVERY_MS) return
    toldAt = now
    tell(...about)
  }
}
