/** Programs that took a place of the daemon's, and write down every byte that they are sent. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'

/** The loopback addresses of this machine. */
export const LOOPBACKS: readonly string[] = [
  '127.0.0.1',
  ...Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .flatMap(({ address }) => (address === '::1' ? [address] : [])),
]

export interface Squatter extends AsyncDisposable {
  /** Everything that was sent to it, on all connections. */
  readonly heard: string
  readonly port: number
}

/** Answers each piece that comes with what `answer` makes of it. */
export type AnswerTo = (request: string) => string

interface Place {
  readonly host?: string
  readonly port?: number
  /** Of a Unix socket, instead. */
  readonly path?: string
}

export async function startSquatter(place: Place, answer: AnswerTo): Promise<Squatter> {
  return start(place, (socket, text) => socket.write(answer(text)))
}

/** Passes everything on to the daemon at `target`, under the name that the daemon goes by there. */
export async function startRelay(place: Place, target: URL): Promise<Squatter> {
  const behind = new Map<Socket, Socket>()
  return start(place, (socket, text) => {
    let daemon = behind.get(socket)
    if (!daemon) {
      daemon = connect(Number(target.port), target.hostname)
      daemon.pipe(socket)
      daemon.on('error', () => socket.destroy())
      behind.set(socket, daemon)
    }
    daemon.write(text.replace(/^Host: .*$/m, `Host: ${target.host}`))
  })
}

async function start(place: Place, hear: (socket: Socket, text: string) => void) {
  let heard = ''
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    // A client is free to hang up.
    socket.on('error', () => undefined)
    socket.setEncoding('latin1').on('data', (piece) => {
      heard += String(piece)
      hear(socket, String(piece))
    })
  })
  server.listen(place)
  await once(server, 'listening')
  const address = server.address()
  return {
    get heard() {
      return heard
    },
    port: typeof address === 'object' && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An HTTP answer with `body` as JSON. */
export function httpJson(body: object, status = '200 OK', headers: readonly string[] = []): string {
  const json = JSON.stringify(body)
  return [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json',
    `Content-Length: ${json.length}`,
    ...headers,
    '',
    json,
  ].join('\r\n')
}
