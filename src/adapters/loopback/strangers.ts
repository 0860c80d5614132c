/**
 * What somebody who has shown no access key may do on a connection: ask, wait for the answer, and
 * ask again. Whoever sends on and on is cut off, before it costs those who are known their turn.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** As much as is still read of a body that nobody asked for, so that its sender sees the answer. */
const BODY_MAX_BYTES = 64 * 1024

/**
 * Node's parser of a connection, which has no public interface. (What is used of it is the same from
 * Node 20 to 26; on one that has it no more, floods would cost more, and `strangers.process.test.ts` fails.)
 */
interface Parser {
  /** Called when the headers of a request are there. What it returns is for llhttp. */
  onIncoming: (request: IncomingMessage, keepAlive: boolean) => number
  /** A copy of the bytes that are being parsed, for listeners to `clientError` and `upgrade`. */
  getCurrentBuffer: () => Buffer
}

/** Tells llhttp to take nothing that follows for HTTP, and to stop. */
const STOP = 2

const NOTHING = Buffer.alloc(0)

export class Strangers {
  /** Connections with an answer to a stranger on its way. */
  readonly #answered = new WeakSet<Socket>()

  /**
   * To be called for each new connection. Node parses 64 KiB at a time: thousands of requests that
   * came together would all have their turn, a tenth of a second of it, before anybody else. Here
   * the second one of a stranger ends the parsing, and the connection. Nor are up to 64 KiB copied
   * for each that is malformed, which would keep the garbage collector busy: we never look at them.
   */
  watch(socket: Socket): void {
    const { parser } = socket as { parser?: Parser }
    if (!parser) return
    const onIncoming = parser.onIncoming
    parser.onIncoming = (request, keepAlive) => {
      if (!this.#answered.has(socket)) return onIncoming(request, keepAlive)
      socket.destroy()
      return STOP
    }
    parser.getCurrentBuffer = () => NOTHING
  }

  /** Notes that a stranger is answered: to be called once for each of its requests. */
  answered(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    this.#answered.add(socket)
    response.once('close', () => this.#answered.delete(socket))
    if (hasBody(request)) cutOffAfter(request, BODY_MAX_BYTES)
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
