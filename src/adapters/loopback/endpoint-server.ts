/**
 * An HTTP server for one endpoint: its limits, and what it does about bytes that are no request.
 */
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Log } from '../../core/ports.ts'
import { atMostOncePerMinute, ConnectionLimit } from './connection-limit.ts'
import { UnauthenticatedConnections } from './unauthenticated-connections.ts'

/** What answers requests, and the part of its express app that a server needs. */
export interface HttpEndpoint {
  /** The name of the caller, by its access key or the socket that it came through; undefined where the request proved nothing. */
  (request: IncomingMessage, response: ServerResponse): string | undefined
  /** Answers a request that is given up, because too many wait. */
  turnAway(response: ServerResponse): void
  readonly app: { request: object; response: object }
}

type RequestClass = typeof IncomingMessage
type ResponseClass = typeof ServerResponse<IncomingMessage>

/** An endpoint, and what all of its servers share. */
export interface ServedEndpoint {
  readonly endpoint: HttpEndpoint
  readonly Request: RequestClass
  readonly Response: ResponseClass
  readonly connectionLimit: ConnectionLimit
  readonly unauthenticated: UnauthenticatedConnections
}

export interface EndpointServer {
  readonly server: Server
  /** The responses that were not finished in the same turn of the event loop as their request came. */
  readonly running: ReadonlySet<ServerResponse>
  /** Sets the endpoint: before the first request, but perhaps after the server has begun to listen. */
  serve(served: ServedEndpoint): void
}

export const SERVER_LIMITS = {
  maxHeaderSize: 16 * 1024,
  insecureHTTPParser: false,
  // Our own guard says what is wrong with a missing Host; Node's response would be bare.
  requireHostHeader: false,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  // Longer than the pause between two cells of a notebook is not needed: opening is cheap on loopback.
  keepAliveTimeout: 15_000,
}

export type ServerLimits = Readonly<typeof SERVER_LIMITS>

/** For each door: thousands of programs that start at the same instant are all answered. */
export const ENDPOINT_CONNECTIONS_MAX = 4096

/**
 * How many requests a connection may send before it has read the answers. Node reads as many as there
 * are, and every other caller would wait for a program that sends thousands, on hundreds of connections.
 */
const PIPELINED_MAX = 8

/**
 * Express gives every request and response the prototypes `app.request` and `app.response`, and
 * changing the prototype of an existing object is the most expensive part of a small request: half of
 * its time on Node 20. Here the objects are made with those prototypes, and express changes nothing.
 */
export function prepareEndpoint(
  endpoint: HttpEndpoint,
  log: Log,
  max = ENDPOINT_CONNECTIONS_MAX,
): ServedEndpoint {
  const { app } = endpoint
  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}
  Object.setPrototypeOf(Request.prototype, app.request)
  Object.setPrototypeOf(Response.prototype, app.response)
  app.request = Request.prototype
  app.response = Response.prototype
  const onFull = () => {
    log.warn(
      { max },
      'too many connections: those without an access key are closed, the oldest first; then requests of the caller that has most are refused',
    )
  }
  const onUnguarded = atMostOncePerMinute((err: unknown) => {
    log.error({ err }, 'connections are not guarded against floods of requests')
  })
  return {
    endpoint,
    Request,
    Response,
    unauthenticated: new UnauthenticatedConnections(onUnguarded),
    connectionLimit: new ConnectionLimit({
      max,
      onFull,
      turnAway: (response) => {
        endpoint.turnAway(response)
      },
    }),
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
  let served: ServedEndpoint | undefined
  const running = new Set<ServerResponse>()
  const server = createServer({
    ...limits,
    // Node calls both with `new`, and takes the object that they return for the new one.
    IncomingMessage: deferClass<RequestClass>(() => served?.Request ?? IncomingMessage),
    ServerResponse: deferClass<ResponseClass>(() => served?.Response ?? ServerResponse),
  })
  // Node would leave out headers after the 2,000th, and our guards would not see them.
  server.maxHeadersCount = 0
  server.on('connection', (socket) => {
    served?.unauthenticated.guard(socket)
    served?.connectionLimit.admit(socket)
  })

  /** How many requests of a connection are not answered yet. */
  const unanswered = new WeakMap<Socket, number>()

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (!served) return
    const { socket } = request
    const count = (unanswered.get(socket) ?? 0) + 1
    // The connection ends with the last one that is answered (RFC 9112 §9.3.2 has clients send the rest again).
    if (count > PIPELINED_MAX) return
    if (count === PIPELINED_MAX) response.shouldKeepAlive = false
    unanswered.set(socket, count)
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1))
    const caller = served.endpoint(request, response)
    if (caller === undefined) served.unauthenticated.trackAnswer(request, response)
    else served.connectionLimit.markAuthenticated(socket, caller)
    if (response.writableEnded) return
    running.add(response)
    response.once('close', () => running.delete(response))
    served.connectionLimit.keepUntilAnswered(socket, response)
  }
  server.on('request', answer)
  // An expectation that we do not know is ignored, as RFC 9110 §10.1.1 allows.
  server.on('checkExpectation', answer)
  server.on('clientError', (error: Error & { readonly code?: string }, socket: Socket) => {
    const begun = served?.connectionLimit.hasBegunAnswer(socket) ?? false
    if (error.code === 'ECONNRESET' || !socket.writable || begun) socket.destroy()
    else refuseMalformed(socket, answerToMalformed(error))
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
    serve(endpoint) {
      served = endpoint
    },
  }
}

/** A constructor for objects of the class that `choose` returns at the time of the call. */
function deferClass<Class extends new (...args: never[]) => object>(choose: () => Class): Class {
  function Deferred(...args: ConstructorParameters<Class>) {
    return new (choose())(...args)
  }
  return Deferred as unknown as Class
}

function refuseMalformed(socket: Socket, response: string): void {
  socket.end(response, () => socket.destroy())
}
