/** Connects to the daemon: by the owner's endpoint, or over TCP as a caller with a key. Loaded by `evo-token get`. */
import { locations, ownerEndpoint } from '../platform/chosen.ts'
import type { Places } from '../platform/for-clients.ts'
import {
  type DaemonAddress,
  findDaemonPlaces,
  readEndpoint,
  tcpTargetOf,
} from './daemon-address.ts'
import { type Connection, openSocket, type SilenceOf } from './wire.ts'

// An import of `node:fs` makes Node load its streams and promises too, which takes 3 ms.
const { existsSync } = process.getBuiltinModule('node:fs')

export async function openConnection(given: DaemonAddress): Promise<Connection> {
  const target = tcpTargetOf(given)
  if (target) {
    const { openTcp } = await import('./tcp.ts')
    return openTcp(target, silenceOf(given))
  }
  const places = findDaemonPlaces(given)
  const named = given.socket
  const endpoint = readEndpoint(places.endpoint)
  const usual = [endpoint?.socket, ...ownerEndpoint.usualPaths(places)]
  const candidates = named === undefined ? usual : [named]
  const failures: string[] = []
  for (const place of new Set(candidates)) {
    if (place === undefined) continue
    const usable = ownerEndpoint.usable(place, named !== undefined)
    const socket = 'path' in usable ? await openSocket(usable) : usable.reason
    if (typeof socket === 'object' && 'path' in usable) {
      const opened = { socket, headers: { Host: 'localhost' }, place, target: usable }
      const connection = { ...opened, onSilence: silenceOf(given)(opened) }
      return ownerEndpoint.keyed ? authenticateOwnerOrUseTcp(connection, given, places) : connection
    }
    failures.push(
      'path' in usable
        ? `"${place}" gives ${typeof socket === 'string' ? socket : 'nothing'}`
        : usable.reason,
    )
  }
  const { notRunning } = await import('./failures.ts')
  const { runningDaemon } = await import('./running-daemon.ts')
  const error = notRunning(
    failures.join('; ') || `"${places.endpoint}" names no daemon`,
    runningDaemon(endpoint, places.lock),
    named === undefined && isNothingSetUp(given, places),
  )
  const other = mayUseKnownUrl(given) ? await openKnownUrl(given, places) : undefined
  if (!other) throw error
  return other
}

/** Shows the owner's key on the pipe; goes over TCP where another program has the pipe's name. @throws {EvoTokenError} */
async function authenticateOwnerOrUseTcp(
  connection: Connection,
  given: DaemonAddress,
  places: Places,
): Promise<Connection> {
  const tcp = await import('./tcp.ts')
  try {
    return await tcp.authenticateOwner(connection, places.ownerKey)
  } catch (error) {
    const other = mayUseKnownUrl(given) ? await openKnownUrl(given, places) : undefined
    if (!other) throw error
    return other
  }
}

/** Whether TCP may be tried besides the socket. */
export function mayUseKnownUrl(place: DaemonAddress): boolean {
  return place.socket === undefined && !place.ownerOnly && !tcpTargetOf(place)
}

/** Whether no daemon of this user has run here, and none can be started, since there is no config. */
function isNothingSetUp({ env }: DaemonAddress, { accessKey }: Places): boolean {
  const config = locations.configPath(undefined, env, locations.homeOf(env))
  return !existsSync(config) && !existsSync(accessKey)
}

function silenceOf(given: DaemonAddress): SilenceOf {
  return (connection) => async (signal) => {
    const { outlastSilence } = await import('./silence.ts')
    const { isPlaceOf, runningDaemon } = await import('./running-daemon.ts')
    const places = findDaemonPlaces(given)
    const endpoint = readEndpoint(places.endpoint)
    const {
      say = (text: string) => {
        process.emitWarning(text)
      },
    } = given
    const isMachines = connection.place === ownerEndpoint.MACHINE_SOCKET
    const isItsPlace = isPlaceOf(endpoint, connection.place)
    const pid = isItsPlace ? runningDaemon(endpoint, places.lock) : undefined
    await outlastSilence({ ...connection, isMachines, pid, env: given.env, say }, signal)
  }
}

/** Connects over TCP as the caller `local`: the socket may be taken, or removed with its directory by a logout. */
export async function openKnownUrl(
  given: DaemonAddress,
  { endpoint, accessKey }: Places,
): Promise<Connection | undefined> {
  const url = readEndpoint(endpoint)?.url
  if (url === undefined) return undefined
  const { openTcp } = await import('./tcp.ts')
  // Its failures are not reported: the message about the socket says what to do.
  const target = { url, keyFile: accessKey, caller: 'local' }
  return openTcp(target, silenceOf(given)).catch(() => undefined)
}
