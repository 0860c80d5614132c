/**
 * A server that answers whatever a test tells it to: what authorization servers, proxies and
 * captive portals do on bad days, and the real one in `authorization-server.ts` never does.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

/** Waited for, where it takes its time. */
export type Respond = (request: SeenRequest, response: ServerResponse) => unknown

export interface FaultyServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** All requests so far; those still unanswered included. */
  readonly seen: readonly SeenRequest[]
  respondWith(respond: Respond): void
  /** Answers every request with this from now on. */
  answer(status: number, body: unknown, headers?: Record<string, string>): void
  close(): Promise<void>
}

export async function startFaultyServer(first?: Respond): Promise<FaultyServer> {
  const seen: SeenRequest[] = []
  let respond: Respond =
    first ??
    ((_request, response) => {
      response.writeHead(404).end()
    })
  const server = createServer((incoming, response) => {
    void buffer(incoming).then(async (body) => {
      const { method = '', url: path = '', headers } = incoming
      const request = { method, path, headers, form: new URLSearchParams(body.toString()) }
      seen.push(request)
      await respond(request, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function close(): Promise<void> {
    if (!server.listening) return
    server.closeAllConnections()
    const closed = once(server, 'close')
    server.close()
    await closed
  }

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    respondWith(next) {
      respond = next
    },
    answer(status, body, headers = {}) {
      const isText = typeof body === 'string'
      const content = isText ? body : JSON.stringify(body)
      const type = isText ? 'text/plain' : 'application/json'
      respond = (_request, response) => {
        response.writeHead(status, { 'content-type': type, ...headers }).end(content)
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
