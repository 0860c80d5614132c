/** How the servers stop: nothing new, running requests to their end, then every connection. */
import { Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { EndpointServer } from './endpoint-server.ts'

/**
 * How long a client that sends on a connection which it kept open still gets an answer, with
 * `Connection: close`. Cut off at once, it would see a reset. A busy client sends within this time.
 */
const KEEP_ALIVE_GRACE_MS = 500
const POLL_MS = 20

export async function stopServers(
  endpointServers: readonly EndpointServer[],
  withinMs: number,
): Promise<void> {
  const listening = endpointServers.filter(({ server }) => server.listening)
  const closed = Promise.all(
    listening.map(({ server }) => new Promise((resolve) => server.once('close', resolve))),
  )
  const deadline = performance.now() + withinMs
  for (const { server, running } of endpointServers) {
    server.prependListener('request', (_request, response) => {
      response.setHeader('Connection', 'close')
    })
    for (const response of running) {
      if (!response.headersSent) response.setHeader('Connection', 'close')
    }
    if (!server.listening) continue
    // http's own `close` would end idle connections at once, although a client may be about to send.
    Server.prototype.close.call(server)
  }
  await Promise.race([
    closed,
    delay(Math.min(withinMs, KEEP_ALIVE_GRACE_MS), undefined, { ref: false }),
  ])
  while (endpointServers.some(({ running }) => running.size > 0) && performance.now() < deadline) {
    for (const { server } of endpointServers) server.closeIdleConnections()
    await delay(POLL_MS)
  }
  // A server whose socket was replaced does not listen any more, and may have connections.
  for (const { server } of endpointServers) {
    server.closeIdleConnections()
    server.closeAllConnections()
  }
  await closed
}
