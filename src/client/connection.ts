/** Sends requests to the daemon. Each module costs `evo-token get` time, so what only some requests need is imported on demand. */
import type { JsonObject } from '../core/json-object.ts'
import { type DaemonAddress, findDaemonPlaces } from './daemon-address.ts'
import { mayUseKnownUrl, openConnection, openKnownUrl } from './open-connection.ts'
import { type Connection, type DaemonRequest, exchange } from './wire.ts'

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
