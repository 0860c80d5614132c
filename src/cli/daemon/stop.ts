/** `stop`: stops the daemon in order, and waits until it is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type Place, placesOf, readEndpoint } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { SidecarError } from '../../errors.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { OWNER } from '../options.ts'

/** Longer than the daemon takes for requests that are out. */
const WITHIN_MS = 45_000
const LOOK_MS = 100

export const stop: CommandRow = {
  details: 'Refreshes under way finish and are stored first. A service manager may start it again.',
  arguments: [],
  options: OWNER,
  examples: [],
  run,
}

async function run({ place, io }: Invocation): Promise<number> {
  await stopAndWait(place)
  io.stderr.write('The daemon has stopped.\n')
  return 0
}

/** Stops the daemon, if one runs. @throws {SidecarError} `unavailable` where it does not end. */
export async function stopDaemon(place: Place): Promise<void> {
  try {
    await stopAndWait(place)
  } catch (error) {
    if (!(error instanceof EvoTokenError) || error.code !== 'not_running') throw error
  }
}

async function stopAndWait(place: Place): Promise<void> {
  const { endpoint } = placesOf(place)
  const before = readEndpoint(endpoint)
  await createClient(place).ask({ method: 'POST', path: '/v1/stop' })
  const deadline = performance.now() + WITHIN_MS
  // The daemon removes the file when all else is done.
  while (before && readEndpoint(endpoint)?.pid === before.pid) {
    if (performance.now() > deadline) {
      throw new SidecarError('unavailable', 'The daemon has not stopped yet.', {
        hint: `Its process is ${before.pid}.`,
      })
    }
    await sleep(LOOK_MS)
  }
}
