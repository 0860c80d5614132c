/**
 * A limit for open connections. Any user of this machine can open them without a key, and Node's own
 * limit turns away the newest one: a few hundred silent connections would shut every caller out. Here
 * the newest one is admitted, and the one that is needed least is closed. Requests that wait leave
 * a quarter free, so that one which can be answered at once is always read.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { MINUTE_MS } from '../../core/durations.ts'

/** The share of the limit for requests that wait, for a renewal or for events. */
const WAITING_SHARE = 3 / 4

/** How many idle connections of a caller are preferred to new connections, whose first request is not read yet. */
const IDLE_KEPT = 32

export interface ConnectionLimitOptions {
  readonly max: number
  /** Called when a connection is closed or a request refused because there are too many; once a minute at most. */
  readonly onFull?: () => void
  /** Answers a request that is given up: too many wait, and most of them are its caller's. */
  readonly turnAway?: (response: ServerResponse) => void
}

export class ConnectionLimit {
  readonly #max: number
  readonly #waitingMax: number
  readonly #report: () => void
  readonly #turnAway: (response: ServerResponse) => void
  /** Connections without a valid key so far, in the order of arrival. */
  readonly #unauthenticated = new Set<Socket>()
  /** Connections that have shown a key, each with the caller of the last one. */
  readonly #authenticated = new Map<Socket, string>()
  /** How many of them each caller has. */
  readonly #counts = new Map<string, number>()
  /** The unfinished responses that each connection waits for, with the caller of each; none is ''. */
  readonly #pending = new Map<Socket, Map<ServerResponse, string>>()
  /** The unfinished responses of each caller, in the order of arrival. */
  readonly #waiting = new Map<string, Set<ServerResponse>>()

  constructor({ max, onFull = () => undefined, turnAway }: ConnectionLimitOptions) {
    this.#max = max
    this.#waitingMax = Math.floor(max * WAITING_SHARE)
    this.#report = atMostOncePerMinute(onFull)
    this.#turnAway = turnAway ?? ((response) => response.destroy())
  }

  /**
   * Admits `socket`. If there are too many, an idle one is closed: the oldest of a caller that has many, else
   * the oldest unauthenticated one, else the oldest.
   */
  admit(socket: Socket): void {
    const open = this.#unauthenticated.size + this.#authenticated.size
    if (open >= this.#max) {
      this.#report()
      const leastNeeded =
        this.#findIdle(this.#ofCallersWithMany()) ??
        this.#findIdle(this.#unauthenticated) ??
        this.#findIdle(this.#authenticated.keys()) ??
        socket
      this.#forget(leastNeeded)
      leastNeeded.destroy()
      if (leastNeeded === socket) return
    }
    this.#unauthenticated.add(socket)
    socket.once('close', () => {
      this.#forget(socket)
    })
  }

  /** Notes that `socket` has shown a valid key of `caller`: unauthenticated ones are closed before it. */
  markAuthenticated(socket: Socket, caller: string): void {
    const known = this.#unauthenticated.delete(socket) || this.#authenticated.has(socket)
    if (!known || this.#authenticated.get(socket) === caller) return
    this.#uncount(socket)
    this.#authenticated.set(socket, caller)
    this.#counts.set(caller, (this.#counts.get(caller) ?? 0) + 1)
  }

  /**
   * Keeps `socket` open until `response` is finished. If too many of them wait, one of the caller
   * that has most is turned away: its newest, since the others have waited longer.
   */
  keepUntilAnswered(socket: Socket, response: ServerResponse): void {
    const caller = this.#authenticated.get(socket) ?? ''
    getOrAdd(this.#pending, socket, () => new Map<ServerResponse, string>()).set(response, caller)
    getOrAdd(this.#waiting, caller, () => new Set<ServerResponse>()).add(response)
    response.once('close', () => {
      this.#finish(socket, response)
    })
    if (caller !== '') this.#limitWaiting()
  }

  /** Whether a response that is not finished has begun on `socket`. */
  hasBegunAnswer(socket: Socket): boolean {
    for (const { headersSent } of this.#pending.get(socket)?.keys() ?? []) {
      if (headersSent) return true
    }
    return false
  }

  #limitWaiting(): void {
    let count = 0
    let most: ReadonlySet<ServerResponse> = new Set()
    for (const [caller, responses] of this.#waiting) {
      count += responses.size
      if (caller !== '' && responses.size > most.size) most = responses
    }
    if (count <= this.#waitingMax) return
    this.#report()
    const newest = [...most].at(-1)
    if (newest) this.#turnAway(newest)
  }

  *#ofCallersWithMany(): Iterable<Socket> {
    for (const [socket, caller] of this.#authenticated) {
      if ((this.#counts.get(caller) ?? 0) > IDLE_KEPT) yield socket
    }
  }

  /** Takes `socket` out of the count of its caller. */
  #uncount(socket: Socket): void {
    const caller = this.#authenticated.get(socket)
    if (caller === undefined) return
    const count = (this.#counts.get(caller) ?? 0) - 1
    if (count > 0) this.#counts.set(caller, count)
    else this.#counts.delete(caller)
  }

  #findIdle(sockets: Iterable<Socket>): Socket | undefined {
    for (const socket of sockets) if (!this.#pending.has(socket)) return socket
    return undefined
  }

  #finish(socket: Socket, response: ServerResponse): void {
    const pending = this.#pending.get(socket)
    const caller = pending?.get(response)
    if (!pending || caller === undefined) return
    pending.delete(response)
    if (pending.size === 0) this.#pending.delete(socket)
    const waiting = this.#waiting.get(caller)
    waiting?.delete(response)
    if (waiting?.size === 0) this.#waiting.delete(caller)
  }

  #forget(socket: Socket): void {
    this.#unauthenticated.delete(socket)
    this.#uncount(socket)
    this.#authenticated.delete(socket)
    // A response that waits behind another one on a connection that breaks is never closed.
    for (const response of this.#pending.get(socket)?.keys() ?? []) this.#finish(socket, response)
  }
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const created = create()
  map.set(key, created)
  return created
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
