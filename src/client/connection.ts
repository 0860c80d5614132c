/**
 * Requests to the daemon: over the owner socket, or over TCP as a caller with a key. Each module takes
 * `evo-token get` time, so what only some calls need is loaded by them.
 */
import type { Endpoint } from '../core/endpoint.ts'
import { locations, ownerEndpoint, ownership } from '../platform/chosen.ts'
import type { Places } from '../platform/platform.ts'
import type { TcpTarget } from './tcp.ts'
import {
  type Ask,
  openSocket,
  type Connection,
  exchange,
  type Json,
  type SilenceOf,
} from './wire.ts'

// An import of `node:fs` makes Node load its streams and promises too, which takes 3 ms.
const { readFileSync, statSync } = process.getBuiltinModule('node:fs')

/** Where to look for the daemon; what is left out comes from `env`. */
export interface Place {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The path of the owner socket; then no URL from `env` counts. */
  readonly socket?: string | undefined
  /** `http://127.0.0.1:PORT`: then a caller asks, with the key in `keyFile`. */
  readonly url?: string | undefined
  readonly keyFile?: string | undefined
  /** The name that the key was made for: else $EVO_TOKEN_CALLER, or `local`. */
  readonly caller?: string | undefined
  readonly stateDir?: string | undefined
  /** For what only an owner may do: no URL counts. */
  readonly ownerOnly?: boolean
  /** Tells a person what is waited for; Node's own warnings where it is left out. */
  readonly say?: (text: string) => void
}

/** A daemon that a service manager starts again takes new connections by then, or soon: they are not refused. */
const RESTART_MS = 1_000

export interface Client {
  /** @throws {EvoTokenError} */
  ask(ask: Ask): Promise<Json>
  /** @throws {EvoTokenError} */
  open(): Promise<Connection>
}

export function createClient(place: Place): Client {
  const open = (): Promise<Connection> => openConnection(place)
  return {
    open,
    async ask(ask) {
      const answer = await askOnce(await open(), ask)
      if (!('restarting' in answer)) return answer.json
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS))
      const again = await askOnce(await open(), ask)
      if ('restarting' in again) throw again.restarting
      return again.json
    },
  }
}

type Asked =
  | { readonly json: Json }
  /** The daemon stops, and has done nothing: another one may take its place. */
  | { readonly restarting: Error }

/** @throws {EvoTokenError} */
async function askOnce(connection: Connection, ask: Ask): Promise<Asked> {
  const answer = await exchange(connection, ask)
  if (typeof answer === 'object' && answer.status >= 200 && answer.status < 300) {
    const json = answer.status === 204 ? {} : answer.json
    if (json) return { json }
  }
  const { failureOf } = await import('./failures.ts')
  const error = failureOf(answer, connection.place)
  if (error.code === 'stopping') return { restarting: error }
  throw error
}

export interface TokenAnswer {
  readonly accessToken: string
  /** Null for a token that does not end. */
  readonly expiresInS: number | null
  /** The answer as it came. */
  readonly answer: Json
}

/** The token in the answer to `ask`. @throws {EvoTokenError} */
export async function askToken(client: Client, ask: Ask): Promise<TokenAnswer> {
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

/** The path of an app's resource, the app's name safe to stand in it. */
export function appPath(app: string, rest = ''): string {
  return `/v1/apps/${encodeURIComponent(app)}${rest}`
}

/** Where the daemon and its files are, as far as a client can know. */
export function placesOf({ env, stateDir }: Pick<Place, 'env' | 'stateDir'>): Places {
  return locations.findPlaces({ env, home: locations.homeOf(env), flags: { stateDir } })
}

/**
 * What `endpoint.json` says. Undefined where there is none, where a crash cut it short, and where
 * users other than `uid` and root could have written it: then the usual places are tried instead.
 */
export function readEndpoint(path: string, uid = ownership.userId()): Endpoint | undefined {
  try {
    const stats = statSync(path)
    if (!ownership.isTrusted(stats, uid) || ownership.othersMayWrite(stats)) return undefined
    return toEndpoint(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

function toEndpoint(value: unknown): Endpoint | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { socket, url, pid } = value as Record<string, unknown>
  if (typeof pid !== 'number') return undefined
  return {
    ...(typeof socket === 'string' && { socket }),
    ...(typeof url === 'string' && { url }),
    pid,
  }
}

/** Where a caller with a key would ask; undefined where the owner socket is to be used. */
export function tcpTargetOf(place: Place): TcpTarget | undefined {
  const { env, socket, ownerOnly = false } = place
  const url = socket === undefined && !ownerOnly && (place.url ?? env.EVO_TOKEN_URL)
  if (!url) return undefined
  const keyFile = place.keyFile ?? (env.EVO_TOKEN_KEY_FILE || placesOf(place).accessKey)
  return { url, keyFile, caller: place.caller ?? (env.EVO_TOKEN_CALLER || 'local') }
}

async function openConnection(given: Place): Promise<Connection> {
  const target = tcpTargetOf(given)
  if (target) {
    const { openTcp } = await import('./tcp.ts')
    return openTcp(target, silenceOf(given))
  }
  const places = placesOf(given)
  const named = given.socket
  const known = readEndpoint(places.endpoint)?.socket
  const candidates = named === undefined ? [known, ...ownerEndpoint.usualPaths(places)] : [named]
  const failures: string[] = []
  for (const place of new Set(candidates)) {
    if (place === undefined) continue
    const usable = ownerEndpoint.usable(place, named !== undefined)
    const socket = 'path' in usable ? await openSocket(usable) : usable.reason
    if (typeof socket === 'object' && 'path' in usable) {
      const opened = { socket, headers: { Host: 'localhost' }, place, target: usable }
      const connection = { ...opened, onSilence: silenceOf(given)(opened) }
      if (!ownerEndpoint.keyed) return connection
      const { authenticateOwner } = await import('./tcp.ts')
      return authenticateOwner(connection, places.ownerKey)
    }
    failures.push(
      'path' in usable
        ? `"${place}" gives ${typeof socket === 'string' ? socket : 'nothing'}`
        : usable.reason,
    )
  }
  const { notRunning } = await import('./failures.ts')
  const error = notRunning(
    failures.join('; ') || `"${places.endpoint}" names no daemon`,
    runningPid(places.endpoint),
  )
  if (named !== undefined || given.ownerOnly) throw error
  return (await openKnownUrl(given, places)) ?? Promise.reject(error)
}

function silenceOf(given: Place): SilenceOf {
  return (connection) => async (signal) => {
    const { outlastSilence } = await import('./silence.ts')
    const { endpoint } = placesOf(given)
    const {
      say = (text: string) => {
        process.emitWarning(text)
      },
    } = given
    const isMachines = connection.place === ownerEndpoint.MACHINE_SOCKET
    const pid = runningPid(endpoint)
    await outlastSilence({ ...connection, isMachines, pid, env: given.env, say }, signal)
  }
}

/** Over TCP as the caller `local`, where the socket is gone: a logout may remove its directory. */
async function openKnownUrl(
  given: Place,
  { endpoint, accessKey }: Places,
): Promise<Connection | undefined> {
  const url = readEndpoint(endpoint)?.url
  if (url === undefined) return undefined
  const { openTcp } = await import('./tcp.ts')
  // Whatever is wrong there, the socket is what a person knows of.
  const target = { url, keyFile: accessKey, caller: 'local' }
  return openTcp(target, silenceOf(given)).catch(() => undefined)
}

/** The process that wrote `endpoint.json`, if there is still one of its number. */
function runningPid(endpoint: string): number | undefined {
  const pid = readEndpoint(endpoint)?.pid
  if (pid === undefined || !(pid > 0)) return undefined
  try {
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}
