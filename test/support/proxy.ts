/** A forward proxy that knows one name only: whatever it is asked for, it connects to `port`. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** What clients asked it to connect to, and as whom. */
  readonly asked: readonly { readonly target: string; readonly authorization: string | undefined }[]
  /** Refuses with this status from now on. */
  refuse(status: number): void
}

export async function startProxy(port: number): Promise<Proxy> {
  const asked: { target: string; authorization: string | undefined }[] = []
  const sockets = new Set<Socket>()
  let refusal: number | undefined
  const server = createServer()
  server.on('connection', (socket) => sockets.add(socket))
  server.on('connect', ({ url, headers }: IncomingMessage, client: Socket, head: Buffer) => {
    asked.push({ target: url ?? '', authorization: headers['proxy-authorization'] })
    if (refusal !== undefined) {
      client.end(`HTTP/1.1 ${refusal} Refused\r\n\r\n`)
      return
    }
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    for (const socket of [client, upstream]) socket.on('error', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    refuse(status) {
      refusal = status
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
