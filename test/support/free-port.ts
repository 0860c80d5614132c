/** TCP ports for tests that have to know one before anything listens on it. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, from 49152 on
 * others): one of those may be taken by any request of any test before its own test listens on it.
 */
const FIRST = 10_000
const BLOCK = 100
const BLOCKS = 220

/** Processes that run at the same time have blocks of their own, as far as there are any. */
const ours = FIRST + (process.pid % BLOCKS) * BLOCK
let given = 0

/** A port that was free on both loopback families a moment ago, and that no other test here got lately. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < BLOCK; tried += 1) {
    const port = ours + (given++ % BLOCK)
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) return port
  }
  throw new Error(`no port from ${ours} to ${ours + BLOCK - 1} is free`)
}

/** A family that this machine does not have takes nothing. */
async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ port, host, exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE'
  }
  server.close()
  await once(server, 'close')
  return true
}
