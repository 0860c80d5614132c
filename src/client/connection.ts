/**
 * Requests to the daemon: over the owner socket, or over TCP as a caller with a key. Each module takes
 * `evo-token get` time, so what only some calls need is loaded by them.
 */
import type { Endpoint } from '../core/endpoint.ts'
import { locations, ownerEndpoint, ownership } from '../platform/chosen.ts'
import type { Places } from '../platform/platform.ts'
import type { TcpTarget } from './tcp.ts'
import { type Ask, openSocket, type Connection, exchange, type Json } from './wire.ts'

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
}

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
      const connection = await open()
      const answer = await exchange(connection, ask)
      if (typeof answer === 'object' && answer.status >= 200 && answer.status < 300) {
        const json = answer.status === 204 ? {} : answer.json
        if (json) return json
      }
      const { failureOf } = await import('./failures.ts')
      throw failureOf(answer, connection.place)
    },
  }
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
    return openTcp(target)
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
    if (typeof socket === 'object') {
      const connection = { socket, headers: { Host: 'localhost' }, place }
      if (!ownerEndpoint.keyed) return connection
      const { authenticateOwner } = await import('./tcp.ts')
      return authenticateOwner(connection, places.ownerKey)
    }
    failures.push('path' in usable ? `"${place}" gives ${socket}` : socket)
  }
  const { notRunning } = await import('./failures.ts')
  throw notRunning(failures.join('; ') || `"${places.endpoint}" names no daemon`)
}
