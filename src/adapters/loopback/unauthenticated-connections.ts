/**
 * What an unauthenticated connection may do: send a request, wait for the response, and send the next
 * one. A connection that sends more without waiting is closed, before it delays the authenticated ones.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hasBody } from '../../core/request-body.ts'
import type { Socket } from 'node:net'
import { guardParser } from './node-http-parser.ts'

/** This much of an unwanted body is still read, so that its sender sees the response. */
const UNWANTED_BODY_MAX_BYTES = 64 * 1024

export class UnauthenticatedConnections {
  /** Unauthenticated connections with a response on its way. */
  readonly #answering = new WeakSet<Socket>()
  readonly #onUnguarded: (error: unknown) => void
  readonly #seesMalformed: boolean

  /**
   * @param onUnguarded is called where this version of Node does not let a connection be guarded.
   * @param seesMalformed whether the first malformed bytes of a connection are looked at.
   */
  constructor(onUnguarded: (error: unknown) => void, seesMalformed = false) {
    this.#onUnguarded = onUnguarded
    this.#seesMalformed = seesMalformed
  }

  /**
   * To be called for each new connection. Node parses 64 KiB at a time: thousands of requests that
   * arrive together would all be handled, for a tenth of a second, before any other connection. Here
   * the second request of an unauthenticated connection ends the parsing and the connection. Nor does
   * Node copy up to 64 KiB for each malformed request, which would keep the garbage collector busy.
   */
  guard(socket: Socket): void {
    try {
      const accepts = () => {
        if (!this.#answering.has(socket)) return true
        socket.destroy()
        return false
      }
      guardParser(socket, accepts, this.#seesMalformed)
    } catch (error) {
      // Floods then cost more time, but callers are still served.
      this.#onUnguarded(error)
    }
  }

  /** Whether a response is on its way to `socket`. */
  isAnswering(socket: Socket): boolean {
    return this.#answering.has(socket)
  }

  /** Notes the response to an unauthenticated request: to be called for each of them. */
  trackAnswer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    this.#answering.add(socket)
    response.once('close', () => this.#answering.delete(socket))
    // An endpoint that is still finding out who asks may yet read the body; it calls this again.
    if (response.writableEnded && hasBody(request)) cutOffAfter(request, UNWANTED_BODY_MAX_BYTES)
  }
}

function cutOffAfter(request: IncomingMessage, bytes: number): void {
  let left = bytes
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) request.socket.destroy()
  })
}
