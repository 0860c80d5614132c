/**
 * Stands between a browser and a loopback port, on another address of this machine and the same
 * port, and passes every byte on as it is: what is on record is what was really answered.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Where a browser should look for names. Only Linux has this address up. */
export const RECORDER_ADDRESS = '127.0.0.2'

export interface Exchange {
  /** Method and destination, as the browser says them: `GET image`. */
  readonly kind: string
  readonly path: string
  /** Everything that came back, head and body. */
  answer: string
}

export interface Recorder extends AsyncDisposable {
  readonly exchanges: readonly Exchange[]
  /** `GET image: 403` for each, once, in order of the alphabet. */
  summary(): readonly string[]
}

/** With an icon, or the browser would look for one here. */
const PAGE = [
  'HTTP/1.1 200 OK',
  'Content-Type: text/html',
  'Connection: close',
  '',
  '<!doctype html><link rel="icon" href="data:,">',
].join('\r\n')

/** Under the path `/page`, and there only, an empty page is served that belongs to another program. */
export async function startRecorder(port: number): Promise<Recorder> {
  const exchanges: Exchange[] = []
  const sockets = new Set<Socket>()
  const server = createServer((browser) => {
    sockets.add(browser)
    browser.on('error', () => undefined)
    browser.once('data', (first: Buffer) => {
      if (first.toString('latin1').startsWith('GET /page ')) browser.end(PAGE)
      else relay(browser, first)
    })
  })

  function relay(browser: Socket, first: Buffer): void {
    const daemon = connect(port, '127.0.0.1')
    let current: Exchange | undefined
    const passOn = (bytes: Buffer) => {
      // A browser sends one request at a time on a connection.
      const exchange = parseRequest(bytes.toString('latin1'))
      if (exchange) exchanges.push((current = exchange))
      daemon.write(bytes)
    }
    passOn(first)
    browser.on('data', passOn)
    browser.once('close', () => daemon.destroy())
    daemon.on('data', (bytes: Buffer) => {
      if (current) current.answer += bytes.toString('latin1')
      browser.write(bytes)
    })
    daemon.on('error', () => browser.destroy())
    daemon.once('end', () => browser.end())
  }

  server.listen(port, RECORDER_ADDRESS)
  await once(server, 'listening')
  return {
    exchanges,
    summary: () =>
      [...new Set(exchanges.map(({ kind, answer }) => `${kind}: ${statusOf(answer)}`))].sort(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function parseRequest(bytes: string): Exchange | undefined {
  const [, method, path = ''] = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(bytes) ?? []
  // What a browser asks for by itself is no try, and may be cut short with its page.
  if (method === undefined || path === '/favicon.ico') return undefined
  const [, dest] = /\r\nsec-fetch-dest: (\S+)/i.exec(bytes) ?? []
  // Chromium says nothing of where a WebSocket leads.
  const to = dest ?? (/\r\nupgrade: websocket/i.test(bytes) ? 'websocket' : 'somewhere')
  return { kind: `${method} ${to}`, path, answer: '' }
}

function statusOf(answer: string): string {
  return /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'no answer'
}
