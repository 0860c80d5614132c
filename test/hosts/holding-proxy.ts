/** A forward proxy that holds a connection up on its way to a server, until it is released. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface HoldingProxy extends AsyncDisposable {
  /** For `HTTPS_PROXY`. */
  readonly url: string
  /**
   * Holds the next connection: `name` before it looks for the server, `tls` when the client has begun its
   * handshake and the server has answered. Resolves when one is held.
   */
  hold(moment: 'name' | 'tls'): Promise<void>
  release(): void
}

/** @param server that every connection goes to. */
export async function startHoldingProxy({ hostname, port }: URL): Promise<HoldingProxy> {
  const sockets = new Set<Socket>()
  let held: { readonly at: 'name' | 'tls'; readonly reached: () => void } | undefined
  let release = (): void => undefined
  let released = Promise.resolve()
  const proxy = createServer()
  proxy.on('connection', (socket) => sockets.add(socket))
  proxy.on('connect', (_request: IncomingMessage, client: Socket) => {
    const holding = held
    held = undefined
    client.on('error', () => undefined)
    const join = () => {
      const server = connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        client.pipe(server)
        if (holding?.at !== 'tls') {
          server.pipe(client)
          return
        }
        server.once('readable', () => {
          holding.reached()
          released.then(() => server.pipe(client)).catch(() => undefined)
        })
      })
      sockets.add(server)
      server.on('error', () => client.destroy())
    }
    if (holding?.at !== 'name') {
      join()
      return
    }
    holding.reached()
    released.then(join).catch(() => undefined)
  })
  proxy.listen(0, hostname)
  await once(proxy, 'listening')
  return {
    url: `http://${hostname}:${(proxy.address() as AddressInfo).port}`,
    hold(at) {
      released = new Promise((resolve) => {
        release = resolve
      })
      return new Promise((resolve) => {
        held = { at, reached: resolve }
      })
    },
    release: () => {
      release()
    },
    async [Symbol.asyncDispose]() {
      const closed = once(proxy, 'close')
      proxy.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
