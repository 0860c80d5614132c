/** A SOCKS5 proxy (RFC 1928, RFC 1929) that knows one name only: whatever it is asked for, it connects to `port`. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface SocksProxy extends AsyncDisposable {
  readonly port: number
  /** What clients asked it to connect to, and as whom. */
  readonly asked: readonly { readonly target: string; readonly user: string | undefined }[]
  /** Answers each wish for a connection with this reply code from now on (RFC 1928 §6). */
  refuse(reply: number): void
}

const VERSION = 5
const BY_NAME = 3
const NO_AUTHENTICATION = 0
const PASSWORD = 2
/** No client of ours asks for the address that the proxy connects from. */
const FROM = [1, 0, 0, 0, 0, 0, 0]

export async function startSocksProxy(port: number): Promise<SocksProxy> {
  const asked: { target: string; user: string | undefined }[] = []
  const sockets = new Set<Socket>()
  let reply = 0

  async function serve(client: Socket): Promise<void> {
    const [, count = 0] = await read(client, 2)
    const methods = await read(client, count)
    const method = methods.includes(PASSWORD) ? PASSWORD : NO_AUTHENTICATION
    client.write(Buffer.from([VERSION, method]))
    const user = method === PASSWORD ? await readUser(client) : undefined
    const [, , , kind] = await read(client, 4)
    if (kind !== BY_NAME) throw new Error(`address of kind ${kind}`)
    const name = await readText(client)
    asked.push({ target: `${name}:${(await read(client, 2)).readUInt16BE()}`, user })
    if (reply !== 0) {
      client.end(Buffer.from([VERSION, reply, 0, ...FROM]))
      return
    }
    const upstream = connect(port, '127.0.0.1')
    sockets.add(upstream)
    upstream.on('error', () => client.destroy())
    await once(upstream, 'connect')
    client.write(Buffer.from([VERSION, 0, 0, ...FROM]))
    upstream.pipe(client).pipe(upstream)
  }

  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => undefined)
    serve(client).catch(() => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    refuse(code) {
      reply = code
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function readUser(client: Socket): Promise<string> {
  await read(client, 1)
  const user = `${await readText(client)}:${await readText(client)}`
  client.write(Buffer.from([1, 0]))
  return user
}

async function readText(client: Socket): Promise<string> {
  const [length = 0] = await read(client, 1)
  return (await read(client, length)).toString()
}

/** Exactly so many bytes. */
async function read(client: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes = client.read(length) as Buffer | null
    if (bytes) return bytes
    await once(client, 'readable')
  }
}
