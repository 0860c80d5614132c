/** What Node itself still does for a stranger that does not wait: on every version, as little as can be. */
import { once } from 'node:events'
import { createServer, IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { Strangers } from '../../src/adapters/loopback/strangers.ts'

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
  const strangers = new Strangers()
  const server = createServer({ IncomingMessage: Counted }, (request, response) => {
    response.end()
    if (request.headers.authorization === undefined) strangers.answered(request, response)
  })
  server.on('connection', (socket) => {
    strangers.watch(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    parsed: () => parsed,
    async send(bytes: string): Promise<void> {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
      // Cut off while it still sends, whoever sends may see a reset.
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
})

it('whoever is known may send a thousand together', async () => {
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
