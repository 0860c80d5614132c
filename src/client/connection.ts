/**
 * Sends requests to the daemon: over the owner socket, or over TCP as a caller with a key. Each module costs
 * `evo-token get` time, so what only some requests need is imported on demand.
 */
import type { JsonObject } from '../core/json-object.ts'
import { locations, ownerEndpoint } from '../platform/chosen.ts'
import type { Places } from '../platform/for-clients.ts'
import {
  type DaemonAddress,
  findDaemonPlaces,
  readEndpoint,
  tcpTargetOf,
} from './daemon-address.ts'
import {
  type DaemonRequest,
  openSocket,
  type Connection,
  exchange,
  type SilenceOf,
} from './wire.ts'

// An import of `node:fs` makes Node load its streams and promises too, which takes 3 ms.
const { existsSync } = process.getBuiltinModule('node:fs')

/** How long to wait for a daemon that restarts. The service manager holds its sockets, so that a connection waits, too. */
const RESTART_MS = 1_000

export interface Client {
  /** @throws {EvoTokenError} */
  ask(ask: DaemonRequest): Promise<JsonObject>
  /** @throws {EvoTokenError} */
  open(): Promise<Connection>
}

export function createClient(place: DaemonAddress): Client {
  const open = (): Promise<Connection> => openConnection(place)
  return {
    open,
    async ask(ask) {
      const answer = await askAnywhere(place, ask)
      if (!('restarting' in answer)) return answer.json
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS))
      const again = await askAnywhere(place, ask)
      if ('restarting' in again) throw again.restarting
      return again.json
    },
  }
}

type AskResult =
  | { readonly json: JsonObject }
  /** The daemon is stopping and has done nothing; another one may take its place. */
  | { readonly restarting: Error }

/** Another program answered, or the daemon closed the connection; the request may be sent elsewhere. */
interface NoAnswer {
  readonly failure: Error
}

/** Asks again over TCP where another program has the path of the socket. @throws {EvoTokenError} */
async function askAnywhere(place: DaemonAddress, ask: DaemonRequest): Promise<AskResult> {
  const answer = await askOnce(await openConnection(place), ask)
  if (!('failure' in answer)) return answer
  // With a time limit, as in a completion, only one place is tried.
  const isUrlNext = ask.timeoutMs === undefined && mayUseKnownUrl(place)
  const other = isUrlNext ? await openKnownUrl(place, findDaemonPlaces(place)) : undefined
  if (!other) throw answer.failure
  const again = await askOnce(other, ask)
  if ('failure' in again) throw again.failure
  return again
}

/** @throws {EvoTokenError} */
async function askOnce(connection: Connection, ask: DaemonRequest): Promise<AskResult | NoAnswer> {
  const answer = await exchange(connection, ask)
  if (typeof answer === 'object' && answer.status >= 200 && answer.status < 300) {
    const json = answer.status === 204 ? {} : answer.json
    if (json) return { json }
  }
  const { failureOf } = await import('./failures.ts')
  const error = failureOf(answer, connection.place)
  if (error.code === 'stopping') return { restarting: error }
  // A daemon that closed the connection may have acted: only a GET can be repeated.
  const mayRepeat = typeof answer === 'object' || (ask.method ?? 'GET') === 'GET'
  if (error.code === 'not_running' && mayRepeat) return { failure: error }
  throw error
}

export interface TokenAnswer {
  readonly accessToken: string
  /** Null for a token that does not end. */
  readonly expiresInS: number | null
  /** The answer as it came. */
  readonly answer: JsonObject
}

/** The token in the answer to `ask`. @throws {EvoTokenError} */
export async function askToken(client: Client, ask: DaemonRequest): Promise<TokenAnswer> {
  const answer = await client.ask(ask)
  const { access_token: accessToken, expires_in: expiresInS } = answer
  // Printable ASCII only (RFC 6749 §A.12): a line break in it would end the header that it goes into.
  const printable = typeof accessToken === 'string' && /^[\x20-\x7e]+$/.test(accessToken)
  if (printable && (typeof expiresInS === 'number' || expiresInS === null)) {
    return { accessToken, expiresInS, answer }
  }
  const { failureOf } = await import('./failures.ts')
  throw failureOf('its answer holds no token', 'this address')
}

/** The path of an app's resource, with its name percent-encoded. */
export function appPath(app: string, rest = ''): string {
  return `/v1/apps/${encodeURIComponent(app)}${rest}`
}

async function openConnection(given: DaemonAddress): Promise<Connection> {
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
function mayUseKnownUrl(place: DaemonAddress): boolean {
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
async function openKnownUrl(
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
