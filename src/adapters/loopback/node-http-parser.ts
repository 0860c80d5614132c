/**
 * The only use of what Node does not document about its HTTP server: the parser of a connection,
 * which is `socket.parser` from the event 'connection' on. Relied on, and the same in Node 20 to 26:
 *
 * - `onIncoming(request, keepAlive)` is called once the headers of a request are there. Where it
 *   returns 2, llhttp takes nothing that follows for HTTP, and stops.
 * - `getCurrentBuffer()` makes the copy of the bytes that a 'clientError' has as `rawPacket`.
 *
 * No public interface has either: `request` events come after the parsing, and the copy before us.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

interface Parser {
  onIncoming: (request: IncomingMessage, keepAlive: boolean) => number
  getCurrentBuffer: () => Buffer
}

/** What `onIncoming` returns to end the parsing. */
const STOP_PARSING = 2

const NO_BYTES = Buffer.alloc(0)

/**
 * Ends the parsing of a connection at the first request for which `accepts` is false, and spares the
 * copies of malformed bytes, but for the first one where `copiesFirst`.
 *
 * @throws {Error} where this version of Node has no such parser: the connection is as it was.
 */
export function guardParser(socket: Socket, accepts: () => boolean, copiesFirst = false): void {
  const { parser } = socket as { parser?: Partial<Parser> | null }
  const onIncoming = parser?.onIncoming
  if (
    !parser ||
    typeof onIncoming !== 'function' ||
    typeof parser.getCurrentBuffer !== 'function'
  ) {
    throw new Error(
      `Node ${process.version} has no socket.parser with onIncoming and getCurrentBuffer, as Node 20 to 26 have`,
    )
  }
  parser.onIncoming = (request, keepAlive) => {
    return accepts() ? onIncoming(request, keepAlive) : STOP_PARSING
  }
  // Node uses parsers again: what an earlier connection has put in its place would still be there.
  const { getCurrentBuffer } = Object.getPrototypeOf(parser) as Partial<Parser>
  let copies = copiesFirst
  parser.getCurrentBuffer = () => {
    if (!copies) return NO_BYTES
    copies = false
    return getCurrentBuffer?.call(parser) ?? NO_BYTES
  }
}
