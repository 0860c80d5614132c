/**
 * What somebody who has shown no access key may do on a connection: ask, wait for the answer, and
 * ask again. Whoever sends on and on is cut off, before it costs those who are known their turn.
 */
import { IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** As much as is still read of a body that nobody asked for, so that its sender sees the answer. */
const BODY_MAX_BYTES = 64 * 1024

export class Strangers {
  /** Connections with an answer to a stranger on its way. */
  readonly #answered = new WeakSet<Socket>()

  /** Notes that a stranger is answered: to be called once for each of its requests. */
  answered(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    this.#answered.add(socket)
    response.once('close', () => this.#answered.delete(socket))
    if (hasBody(request)) cutOffAfter(request, BODY_MAX_BYTES)
  }

  /**
   * Node parses 64 KiB at a time: thousands of requests that came together all have their turn, a
   * tenth of a second of it, before anybody else. Behind one that seems to be an upgrade it leaves
   * the rest unparsed, and a hasty stranger's seems to be one.
   */
  requestClass(): typeof IncomingMessage {
    const answered = this.#answered
    return class extends IncomingMessage {
      readonly #hasty: boolean

      constructor(socket: Socket) {
        super(socket)
        this.#hasty = answered.has(socket)
      }

      get upgrade(): boolean {
        return this.#hasty
      }

      /** Real upgrades are ignored, as RFC 9110 §7.8 allows. */
      set upgrade(_asked: boolean) {}
    }
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function cutOffAfter(request: IncomingMessage, bytes: number): void {
  let left = bytes
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) request.socket.destroy()
  })
}
