/**
 * An HTTP server in front of one express app: what it bears with, and what it does about bytes that
 * are no request.
 */
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Log } from '../../core/ports.ts'
import { ConnectionLimit, atMostOncePerMinute } from './connection-limit.ts'
import { UnauthenticatedConnections } from './unauthenticated-connections.ts'

/** What answers a door, and the express app within, as far as a server has to know it. */
export interface HttpEndpoint {
  /** Whether the request came from somebody that we know, by an access key or by the door itself. */
  (request: IncomingMessage, response: ServerResponse): boolean
  readonly app: { request: object; response: object }
}

type RequestClass = typeof IncomingMessage
type ResponseClass = typeof ServerResponse<IncomingMessage>

export interface ServedEndpoint {
  readonly endpoint: HttpEndpoint
  readonly Request: RequestClass
  readonly Response: ResponseClass
  /** All servers of the door share it. */
  readonly connectionLimit: ConnectionLimit
  readonly unauthenticated: UnauthenticatedConnections
}

export interface EndpointServer {
  readonly server: Server
  /** The responses that were not written in the turn that brought their request. */
  readonly running: ReadonlySet<ServerResponse>
  /** Says what answers. Before the first request, but perhaps after the server has begun to listen. */
  serve(door: ServedEndpoint): void
}

export const SERVER_LIMITS = {
  maxHeaderSize: 16 * 1024,
  insecureHTTPParser: false,
  // Our own guard says what is wrong with a missing Host; Node's answer would be bare.
  requireHostHeader: false,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  // Longer than the pause between two cells of a notebook is not needed: opening is cheap on loopback.
  keepAliveTimeout: 15_000,
}

export type ServerLimits = Readonly<typeof SERVER_LIMITS>

/** Far more than a workstation's programs need, far fewer than the descriptors that we may open. */
export const CONNECTIONS_MAX = 512

/**
 * Express gives every request and response the prototypes `app.request` and `app.response`, and
 * changing the prototype of an object that exists is the dearest thing that it does: half of the
 * time of a small request on Node 20. Here they are born with them, and express changes nothing.
 */
export function prepareEndpoint(endpoint: HttpEndpoint, log: Log): ServedEndpoint {
  const { app } = endpoint
  const strangers = new UnauthenticatedConnections()
  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}
  Object.setPrototypeOf(Request.prototype, app.request)
  Object.setPrototypeOf(Response.prototype, app.response)
  app.request = Request.prototype
  app.response = Response.prototype
  const onCrowd = () => {
    log.warn(
      { most: CONNECTIONS_MAX },
      'too many connections: those without an access key are closed, the oldest first',
    )
  }
  return {
    endpoint,
    Request,
    Response,
    unauthenticated: strangers,
    connectionLimit: new ConnectionLimit({ max: CONNECTIONS_MAX, onFull: onCrowd }),
  }
}

export function createEndpointServer({
  answerToMalformed,
  limits = SERVER_LIMITS,
  log,
}: {
  readonly answerToMalformed: (error: Error) => string
  readonly limits?: ServerLimits
  readonly log: Log
}): EndpointServer {
  let door: ServedEndpoint | undefined
  const running = new Set<ServerResponse>()
  const server = createServer({
    ...limits,
    // Node calls both with `new`, and takes the object that they return for the new one.
    IncomingMessage: deferClass<RequestClass>(() => door?.Request ?? IncomingMessage),
    ServerResponse: deferClass<ResponseClass>(() => door?.Response ?? ServerResponse),
  })
  // Node would leave out whatever comes after 2,000 headers, and our guards would not see it.
  server.maxHeadersCount = 0
  server.on('connection', (socket) => {
    door?.unauthenticated.watch(socket)
    door?.connectionLimit.admit(socket)
  })

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (!door) return
    const { socket } = request
    if (door.endpoint(request, response)) door.connectionLimit.markAuthenticated(socket)
    else door.unauthenticated.trackAnswer(request, response)
    if (response.writableEnded) return
    running.add(response)
    response.once('close', () => running.delete(response))
    door.connectionLimit.keepUntilAnswered(socket, response)
  }
  server.on('request', answer)
  // An expectation that we do not know is ignored, as RFC 9110 §10.1.1 allows.
  server.on('checkExpectation', answer)
  server.on('clientError', (error, socket) => {
    refuseBytes(error, socket, answerToMalformed)
  })
  const reportUnaccepted = atMostOncePerMinute((error: Error) => {
    log.warn({ err: error }, 'a connection could not be accepted')
  })
  // Without a listener a connection that the kernel could not give us would end the process.
  server.on('error', (error) => {
    if (server.listening) reportUnaccepted(error)
  })

  return {
    server,
    running,
    serve(opened) {
      door = opened
    },
  }
}

/** A constructor that makes an object of whatever class `choose` names by then. */
function deferClass<Class extends new (...args: never[]) => object>(choose: () => Class): Class {
  function Late(...args: ConstructorParameters<Class>) {
    return new (choose())(...args)
  }
  return Late as unknown as Class
}

function refuseBytes(
  error: Error & { readonly code?: string },
  socket: Duplex,
  answerToMalformed: (error: Error) => string,
): void {
  // Node's own name for the response that this connection is about to get, or is getting.
  const { _httpMessage: answering } = socket as { _httpMessage?: ServerResponse }
  if (error.code === 'ECONNRESET' || !socket.writable || answering?.headersSent) {
    socket.destroy()
    return
  }
  socket.end(answerToMalformed(error), () => socket.destroy())
}
