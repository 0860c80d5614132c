/**
 * The way to an authorization server on a bad day: a proxy on loopback that lets everything through
 * but the requests to the token endpoint, of which each meets what is planned for it.
 *
 *     const path = await startFaultyPath()
 *     const server = await startAuthorizationServer({ issuer: path.url })
 *     path.leadTo(server.url)
 *     await path.meet(fault)    // from now on; `path.clear()` ends it
 *
 * Clients must know the server by `path.url` alone. What we have seen happen is in `path-faults.ts`,
 * with what each means for a session; more of it is a function of an `Exchange`.
 */
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as send,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What the server answered, whole. */
export interface Forwarded {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** One request to the token endpoint, and what can be done to it. */
export interface Exchange {
  /** Has the server act on the request, and keeps the answer here. */
  readonly forward: () => Promise<Forwarded>
  readonly answer: (status: number, body: string | Buffer, headers?: OutgoingHttpHeaders) => void
  /** Leaves the client alone until it gives up. */
  readonly hang: () => Promise<void>
  /** For what HTTP has no words for; its socket is the client's. */
  readonly response: ServerResponse
  /** The client's time, for dates that it will compare with its own. */
  readonly now: () => number
}

export interface Happening {
  readonly name: string
  /** `refuses`: nothing listens. No request comes at all, to any endpoint. */
  readonly happen: ((exchange: Exchange) => Promise<void> | void) | 'refuses'
}

/** Chooses for each request; undefined lets it through. */
export type Plan = (form: URLSearchParams) => Happening | undefined

/** A request that came to the token endpoint, and what became of it. */
export interface Arrival {
  readonly clientId: string
  readonly grantType: string
  /** The name of what it met; undefined where it went through. */
  readonly met: string | undefined
  /** The status of the server's answer, whether the client saw that or not; undefined without one. */
  serverStatus: number | undefined
  /** `hanging`: until the client gives up. `over`: answered, cut or given up. */
  state: 'coming' | 'hanging' | 'over'
}

export interface Held {
  /** Resolves when the request has come and (for `answer`) the server has acted on it. */
  readonly arrived: Promise<void>
  release(): void
}

export interface FaultyPath extends AsyncDisposable {
  readonly url: string
  /** Every token request so far, in the order in which they came. */
  readonly arrivals: readonly Arrival[]
  /** Resolves as soon as `condition` holds; looked at whenever something happens to a request. */
  until(condition: () => boolean): Promise<void>
  /** Where everything goes on to. */
  leadTo(url: string): void
  /** Every token request meets this, until something else is said. */
  meet(happening: Happening | Plan): Promise<void>
  /** The next token request meets this, and no other. It cannot be one that refuses. */
  meetOnce(happening: Happening): Promise<void>
  clear(): Promise<void>
  /**
   * Keeps the next request to `pathname` waiting: before the server sees it (`request`), or with
   * the server's answer in hand (`answer`). It meets nothing else.
   */
  hold(part: 'request' | 'answer', pathname?: string): Held
  close(): Promise<void>
}

export interface FaultyPathOptions {
  readonly tokenPath?: string
  /** The client's wall clock. */
  readonly now?: () => number
}

const THROUGH: Plan = () => undefined

export async function startFaultyPath({
  tokenPath = '/token',
  now = Date.now,
}: FaultyPathOptions = {}): Promise<FaultyPath> {
  const arrivals: Arrival[] = []
  const holds = new Map<string, Hold>()
  const idle = new Set<Socket>()
  const changes = new EventTarget()
  let target: URL | undefined
  let plan = THROUGH

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming)
    const pathname = (incoming.url ?? '').split('?', 1)[0] ?? ''
    const hold = holds.get(pathname)
    holds.delete(pathname)
    const forward = async () => {
      if (!target) throw new Error('this path leads nowhere yet: leadTo() says where')
      if (hold?.part === 'request') await hold.wait()
      const forwarded = await forwardTo(target, incoming, body)
      if (hold?.part === 'answer') await hold.wait()
      return forwarded
    }
    if (pathname !== tokenPath) {
      passOn(response, await forward())
      return
    }
    const form = new URLSearchParams(body.toString())
    const happening = hold ? undefined : plan(form)
    const arrival: Arrival = {
      clientId: form.get('client_id') ?? '',
      grantType: form.get('grant_type') ?? '',
      met: happening?.name,
      serverStatus: undefined,
      state: 'coming',
    }
    const become = (state: Arrival['state']) => {
      arrival.state = state
      changes.dispatchEvent(new Event('change'))
    }
    response.once('close', () => {
      become('over')
    })
    arrivals.push(arrival)
    become('coming')
    const seen = async () => {
      const forwarded = await forward()
      arrival.serverStatus = forwarded.status
      return forwarded
    }
    if (!happening || happening.happen === 'refuses') {
      passOn(response, await seen())
      return
    }
    await happening.happen({
      forward: seen,
      answer(status, content, headers = {}) {
        response.writeHead(status, { 'content-length': Buffer.byteLength(content), ...headers })
        response.end(content)
      },
      async hang() {
        if (response.closed) return
        const closed = once(response, 'close')
        become('hanging')
        await closed
      },
      response,
      now,
    })
  }

  async function open(port: number): Promise<Server> {
    const server = createServer((incoming, response) => {
      const { socket } = incoming
      idle.delete(socket)
      response.once('close', () => {
        if (!socket.destroyed) idle.add(socket)
      })
      handle(incoming, response).catch(() => {
        // The client has gone or the server is down: there is no client left to tell.
        response.destroy()
      })
    })
    server.on('connection', (socket) => {
      idle.add(socket)
      socket.once('close', () => idle.delete(socket))
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  let door: Server | undefined = await open(0)
  const doors = [door]
  const { port } = door.address() as AddressInfo

  async function follow(next: Plan, refuses: boolean): Promise<void> {
    plan = next
    if (refuses) {
      // A client that is being answered stays; a connection that was opened for later is no way in.
      door?.close()
      door = undefined
      for (const socket of idle) socket.destroy()
    } else if (!door) {
      door = await open(port)
      doors.push(door)
    }
  }

  async function close(): Promise<void> {
    door?.close()
    door = undefined
    for (const one of doors) one.closeAllConnections()
  }

  return {
    url: `http://127.0.0.1:${port}`,
    arrivals,
    async until(condition) {
      while (!condition()) await once(changes, 'change')
    },
    leadTo(url) {
      target = new URL(url)
    },
    meet: (happening) =>
      typeof happening === 'function'
        ? follow(happening, false)
        : follow(() => happening, happening.happen === 'refuses'),
    meetOnce: (happening) =>
      follow(() => {
        plan = THROUGH
        return happening
      }, false),
    clear: () => follow(THROUGH, false),
    hold(part, pathname = tokenPath) {
      const hold = createHold(part)
      holds.set(pathname, hold)
      return hold
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Hold extends Held {
  readonly part: 'request' | 'answer'
  wait(): Promise<void>
}

function createHold(part: Hold['part']): Hold {
  const gates = new EventTarget()
  const arrived = once(gates, 'arrived')
  const released = once(gates, 'released')
  return {
    part,
    arrived: arrived.then(() => undefined),
    release() {
      gates.dispatchEvent(new Event('released'))
    },
    async wait() {
      gates.dispatchEvent(new Event('arrived'))
      await released
    },
  }
}

/** Sends the request on as it came: the `Host` too, by which the server knows its own URLs. */
async function forwardTo(
  target: URL,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): Promise<Forwarded> {
  const outgoing = send({
    host: target.hostname,
    port: target.port,
    method,
    path: url,
    headers,
    agent: false,
  })
  outgoing.end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: await buffer(answer),
  }
}

function passOn(response: ServerResponse, { status, headers, body }: Forwarded): void {
  const { connection, 'transfer-encoding': _encoding, ...kept } = headers
  response.writeHead(status, { ...kept, 'content-length': body.length })
  response.end(body)
}
