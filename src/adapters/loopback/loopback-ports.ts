/**
 * Loopback ports that are open while a sign-in needs them. A port is free again as soon as the last
 * lease is released, however many connections browsers still hold to it.
 */
import { isAddressMissing } from '../../core/loopback.ts'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { codeOf } from '../../errors.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { UnauthenticatedConnections } from './unauthenticated-connections.ts'

/** Another program has the port. */
export class PortBusyError extends Error {
  override readonly name = 'PortBusyError'
}

/** This user may not open the port, or the host does not have the address. */
export class PortClosedError extends Error {
  override readonly name = 'PortClosedError'
}

export interface Lease {
  readonly port: number
  /** Those of the addresses that this host has. */
  readonly addresses: readonly string[]
  release(): void
}

/** The error of Node's `clientError` event, for bytes that are no request. */
export type MalformedError = NodeJS.ErrnoException & { readonly rawPacket?: Uint8Array }

interface PortAnswers {
  toRequest(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** The whole answer to bytes that are no request, on a connection to `port`. */
  toMalformed(error: MalformedError, port: number): string | Uint8Array
}

/** One address and port, opened or about to be. */
interface LoopbackPort {
  readonly server: Server
  readonly listening: Promise<void>
  readonly address: string
  port: number
  holders: number
  /** Requests without a finished response. */
  unanswered: number
}

const REDIRECT_CONNECTIONS_MAX = 64

/** How long a connection that was refused may go on sending: the browser reads the page meanwhile. */
const REFUSED_MS = 2_000

export const REDIRECT_LIMITS = {
  // A callback is a few KiB, but browsers send with it the cookies of every program on localhost, on
  // whatever port: up to 180 of 4 KiB each, of which a few are usual.
  maxHeaderSize: 256 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
}

export type RedirectLimits = Readonly<typeof REDIRECT_LIMITS>

/** Only root may open it, a sandbox forbids it, or Windows has reserved it (for Hyper-V, say). */
const PORT_DENIED_CODES = ['EACCES', 'EPERM']

export class LoopbackPorts {
  readonly #answers: PortAnswers
  readonly #limits: RedirectLimits
  readonly #onUnguarded: (error: unknown) => void
  readonly #openings = new Map<string, LoopbackPort>()

  constructor(
    answers: PortAnswers,
    onUnguarded: (error: unknown) => void,
    limits: RedirectLimits = REDIRECT_LIMITS,
  ) {
    this.#answers = answers
    this.#onUnguarded = onUnguarded
    this.#limits = limits
  }

  /**
   * Opens `port` on each of `addresses` that this host has, or on none. Port 0 is a free one, of one
   * address.
   *
   * @throws {PortBusyError}
   * @throws {PortClosedError}
   */
  async acquire(addresses: readonly string[], port: number): Promise<Lease> {
    const results = await Promise.allSettled(addresses.map((address) => this.#hold(address, port)))
    const held = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const lease = {
      port: held[0]?.port ?? port,
      addresses: held.map(({ address }) => address),
      release: () => {
        for (const opening of held.splice(0)) this.#release(opening)
      },
    }
    const failures = results.flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : [],
    )
    const serious = failures.filter((error) => !isAddressMissing(codeOf(error)))
    if (serious.length === 0 && held.length > 0) return lease
    lease.release()
    throw explainError(serious[0] ?? failures[0], port)
  }

  async #hold(address: string, port: number): Promise<LoopbackPort> {
    const key = `${address} ${port}`
    const opening = this.#openings.get(key) ?? this.#open(address, port)
    // A free port is shared with no other sign-in.
    if (port !== 0) this.#openings.set(key, opening)
    opening.holders += 1
    try {
      await opening.listening
    } catch (error) {
      this.#forget(opening)
      throw error
    }
    return opening
  }

  #release(opening: LoopbackPort): void {
    opening.holders -= 1
    if (opening.holders > 0) return
    this.#forget(opening)
    // The port is free from here on; open requests are answered, and then their connections closed.
    opening.server.close()
    endIfRetired(opening)
  }

  #forget(opening: LoopbackPort): void {
    for (const [key, current] of this.#openings) {
      if (current === opening) this.#openings.delete(key)
    }
  }

  #open(address: string, port: number): LoopbackPort {
    const connectionLimit = new ConnectionLimit({ max: REDIRECT_CONNECTIONS_MAX })
    const unauthenticated = new UnauthenticatedConnections(this.#onUnguarded, true)
    const server = createServer(this.#limits, (request, response) => {
      opening.unanswered += 1
      response.once('close', () => {
        opening.unanswered -= 1
        endIfRetired(opening)
      })
      connectionLimit.keepUntilAnswered(request.socket, response)
      unauthenticated.trackAnswer(request, response)
      void this.#answers.toRequest(request, response)
    })
    // Node would leave out headers after the 2,000th, and what we look at may be among them.
    server.maxHeadersCount = 0
    const refused = new WeakSet<Socket>()
    server.on('clientError', (error: MalformedError, socket: Socket) => {
      if (refused.has(socket)) return
      refused.add(socket)
      if (error.code === 'ECONNRESET' || !socket.writable || unauthenticated.isAnswering(socket)) {
        socket.destroy()
      } else {
        answerMalformed(socket, this.#answers.toMalformed(error, opening.port))
      }
    })
    // Another user's silent connections must not keep the browser out.
    server.on('connection', (socket) => {
      unauthenticated.guard(socket)
      connectionLimit.admit(socket)
    })
    const listening = new Promise<void>((resolve, reject) => {
      server.on('error', reject)
      server.listen({ host: address, port, exclusive: true }, () => {
        opening.port = (server.address() as AddressInfo).port
        resolve()
      })
    })
    const opening: LoopbackPort = { server, listening, address, port, holders: 0, unanswered: 0 }
    return opening
  }
}

/**
 * Answers bytes that are no request. What still arrives is read and dropped: on a connection that is
 * closed with bytes unread the browser would see a reset, and not the page.
 */
function answerMalformed(socket: Socket, answer: string | Uint8Array): void {
  socket.end(answer)
  const destroy = () => {
    socket.destroy()
  }
  const timer = setTimeout(destroy, REFUSED_MS).unref()
  socket.once('end', destroy).once('close', () => {
    clearTimeout(timer)
  })
}

/** Browsers open connections in advance and keep them: none of those may keep a process alive. */
function endIfRetired({ server, holders, unanswered }: LoopbackPort): void {
  if (holders === 0 && unanswered === 0) server.closeAllConnections()
}

function explainError(error: unknown, port: number): unknown {
  const code = codeOf(error) ?? ''
  if (code === 'EADDRINUSE') return new PortBusyError(`port ${port} is in use`, { cause: error })
  if (PORT_DENIED_CODES.includes(code) || isAddressMissing(code)) {
    return new PortClosedError(`port ${port} cannot be opened`, { cause: error })
  }
  return error
}
