/** Reads the limits of the operating system for this process, once at the start, and warns where they are low. */
import { ENDPOINT_CONNECTIONS_MAX } from '../adapters/loopback/endpoint-server.ts'
import type { Log } from '../core/ports.ts'
import { platform } from '../platform/current.ts'

/**
 * Open files that are no connections of callers: some 25 of Node and the daemon itself, connections to
 * authorization servers, the vault's files, and the redirect listener while a person signs in.
 */
const OTHER_FILES = 96

/** Fewer would not serve a handful of notebooks: with less room than that, the other files have to do with fewer. */
const CONNECTIONS_MIN = 12

/** TCP and the owner socket. */
const ENDPOINTS = 2

/** How many connections each endpoint takes, so that `openFiles` suffice. */
export function connectionsFor(openFiles: number | undefined): number {
  if (openFiles === undefined) return ENDPOINT_CONNECTIONS_MAX
  const room = Math.floor((openFiles - OTHER_FILES) / ENDPOINTS)
  return Math.min(ENDPOINT_CONNECTIONS_MAX, Math.max(CONNECTIONS_MIN, room))
}

/** How many connections each endpoint takes; a warning says so where the limit for open files makes them fewer. */
export function fitConnections(log: Log): number {
  const openFiles = platform.limits.openFiles()
  const max = connectionsFor(openFiles)
  if (max < ENDPOINT_CONNECTIONS_MAX) {
    log.warn(
      { openFiles, max },
      `the limit for open files is low (${openFiles}): each endpoint takes ${max} connections at once, not ${ENDPOINT_CONNECTIONS_MAX}; raise the hard limit (\`ulimit -Hn\`, LimitNOFILE= of a unit)`,
    )
  }
  return max
}

/** A core dump would hold every token and secret that the daemon has in its memory. */
export async function forbidCoreDumps(env: NodeJS.ProcessEnv, log: Log): Promise<void> {
  if (await platform.limits.forbidCoreDumps(env)) return
  log.warn(
    {},
    'a crash may leave a core dump with secrets in it: run `ulimit -c 0` before `evo-token serve`, or install util-linux, whose prlimit the daemon uses',
  )
}
