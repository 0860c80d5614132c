/** `stop`: stops the daemon in order, and waits until its process is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '../../client/connection.ts'
import { type DaemonAddress, findDaemonPlaces, readEndpoint } from '../../client/daemon-address.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { SidecarError } from '../../errors.ts'
import { endCommand } from '../../platform/chosen.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { OWNER_OPTIONS } from '../options.ts'

/** Longer than an orderly stop takes: the daemon waits up to 35 s for requests that are out. */
const STOP_WITHIN_MS = 45_000
const STOP_POLL_MS = 100

export const stop: CommandRow = {
  details: 'Refreshes under way finish and are stored first. A service manager may start it again.',
  arguments: [],
  options: OWNER_OPTIONS,
  examples: [],
  run,
}

async function run({ place, io }: Invocation): Promise<number> {
  const isGone = await stopAndWait(place)
  io.stderr.write(isGone ? 'The daemon has stopped.\n' : 'The daemon was told to stop.\n')
  return 0
}

/** Stops the daemon, if one runs. @throws {SidecarError} `unavailable` where it does not end. */
export async function stopDaemon(place: DaemonAddress): Promise<void> {
  try {
    await stopAndWait(place)
  } catch (error) {
    if (!(error instanceof EvoTokenError) || error.code !== 'not_running') throw error
  }
}

/** Whether the daemon is gone; false where its process is not known: the socket of another state directory was named. */
async function stopAndWait(place: DaemonAddress): Promise<boolean> {
  const { endpoint } = findDaemonPlaces(place)
  const before = readEndpoint(endpoint)
  await createClient(place).ask({ method: 'POST', path: '/v1/stop' })
  if (!before || (place.socket !== undefined && place.socket !== before.socket)) return false
  const deadline = performance.now() + STOP_WITHIN_MS
  // The daemon removes the file when all else is done.
  while (readEndpoint(endpoint)?.pid === before.pid) {
    if (performance.now() > deadline) {
      throw new SidecarError('unavailable', 'The daemon has not stopped yet.', {
        hint: `Wait, and look whether process ${before.pid} still runs. To end it at once may cost the session of an app that is being refreshed: \`${endCommand(before.pid)}\`.`,
      })
    }
    await sleep(STOP_POLL_MS)
  }
  return true
}
