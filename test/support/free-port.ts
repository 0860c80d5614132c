/** TCP ports for tests that have to know one before anything listens on it. */
import { spawnSync } from 'node:child_process'
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

/** The port of a config that names none. */
const DEFAULT_PORT = 13860

/**
 * For a test of a config without a port.
 *
 * @throws {Error} that says which program has the port: mostly a daemon that an aborted run left behind.
 */
export const requireDefaultPort = () => requireFreePort(DEFAULT_PORT)

/** @throws {Error} that says which program has `port`. */
export async function requireFreePort(port: number): Promise<void> {
  if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) return
  const { status, stdout } = spawnSync('ss', ['-Hltnp', `sport = :${port}`], { encoding: 'utf8' })
  const holders = [...(status === 0 ? stdout : '').matchAll(/"([^"]+)",pid=(\d+)/g)]
  const who = holders.map(([, name, pid]) => `${name ?? ''} (pid ${pid ?? ''})`)
  const named = who.length > 0 ? [...new Set(who)].join(' and ') : 'another program'
  throw new Error(`This test needs port ${port}, which ${named} has: end it first.`)
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
