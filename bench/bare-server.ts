/** A child of the bench: the least that an HTTP server of Node's can do for a token. */
import { hash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

process.on('message', ({ key, body }: { key: string; body: string }) => {
  const keys = new Map([[hash('sha256', key), 'bench']])
  const server = createServer((request, response) => {
    const shown = request.headers.authorization?.slice('Bearer '.length) ?? ''
    if (!keys.has(hash('sha256', shown))) {
      response.writeHead(401).end()
      return
    }
    response
      .writeHead(200, {
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
      })
      .end(body)
  })
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port })
  })
})
