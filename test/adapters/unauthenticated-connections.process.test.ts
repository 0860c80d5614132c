/** What Node does for an unauthenticated connection that does not wait: on every version, as little as possible. */
import { once } from 'node:events'
import { createServer, IncomingMessage } from 'node:http'
import { type AddressInfo, connect, Socket } from 'node:net'
import { expect, it } from 'vitest'
import { UnauthenticatedConnections } from '../../src/adapters/loopback/unauthenticated-connections.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** A server without anything else of ours. `parsed` is how many requests Node has made out. */
async function watchedServer() {
  let parsed = 0
  class Counted extends IncomingMessage {
    constructor(socket: Socket) {
      super(socket)
      parsed += 1
    }
  }
  const unguarded: unknown[] = []
  const unauthenticated = new UnauthenticatedConnections((error) => unguarded.push(error))
  const server = createServer({ IncomingMessage: Counted }, (request, response) => {
    response.end()
    if (request.headers.authorization === undefined) unauthenticated.trackAnswer(request, response)
  })
  server.on('connection', (socket) => {
    unauthenticated.guard(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    parsed: () => parsed,
    unguarded,
    async send(bytes: string): Promise<void> {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
      // A sender that is cut off may see a reset.
      socket.on('error', () => undefined)
      socket.write(bytes)
      await once(socket, 'close')
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

it('the request behind one that is being answered is the last that is parsed', async () => {
  await using watched = await watchedServer()
  await watched.send(REQUEST.repeat(1_000))
  expect(watched.parsed()).toBe(2)
  expect(watched.unguarded).toEqual([])
})

it('an authenticated connection may send a thousand together', async () => {
  await using watched = await watchedServer()
  const known = REQUEST.replace('\r\n\r\n', '\r\nAuthorization: Bearer x\r\n\r\n')
  const last = known.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  await watched.send(known.repeat(999) + last)
  expect(watched.parsed()).toBe(1_000)
})

it('of bytes that are no request Node makes no copy', async () => {
  await using watched = await watchedServer()
  const refused = once(watched.server, 'clientError') as Promise<
    [Error & { readonly rawPacket?: Buffer }, Socket]
  >
  const sent = watched.send(`no request\r\n${'x'.repeat(10_000)}`)
  const [{ rawPacket }, socket] = await refused
  socket.destroy()
  await sent
  expect(rawPacket).toHaveLength(0)
})

it('reports a version of Node without such a parser, and leaves the connection alone', () => {
  const errors: unknown[] = []
  const unauthenticated = new UnauthenticatedConnections((error) => errors.push(error))
  const socket = new Socket()
  unauthenticated.guard(socket)
  expect(errors).toEqual([
    expect.objectContaining({ message: expect.stringContaining('has no socket.parser') as string }),
  ])
  expect(socket.destroyed).toBe(false)
})
