/**
 * The client of our own endpoint, which every command uses: over the owner socket, or over TCP
 * as a caller with a key. It speaks just enough HTTP/1.0 (`node:http` would double the time that
 * `get` takes), and it is one file because each one takes `get` a millisecond. Whatever goes wrong
 * leaves it with the contract's exit code (`client-failures.ts`).
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { findPlaces, type Places, readEndpoint } from '../adapters/state-paths.ts'
import type { Invocation } from './command.ts'

// An import of `node:fs` makes Node load its streams and promises too, which takes 3 ms.
const { realpathSync, statSync } = process.getBuiltinModule('node:fs')

/** Where the service of a machine listens, to its root and the members of its group. */
const MACHINE_SOCKET = '/run/evo-token/owner.sock'

/** A longer path is cut short silently by the system, and then names another socket. */
const SOCKET_PATH_MAX_BYTES = 100

/** The longest that the daemon takes: a refresh under way (30 s), then a request of its own (30 s). */
const PATIENCE_MS = 75_000

/** Far more than any answer of ours: whatever sends more is something else. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

export type Json = Readonly<Record<string, unknown>>

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly timeoutMs?: number
}

/** An open connection, and the headers that a request on it needs. */
export interface Connection {
  readonly socket: Socket
  readonly headers: Readonly<Record<string, string>>
  /** What was connected to, for people. */
  readonly place: string
}

export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface Client {
  /** @throws {SidecarError | Refusal} */
  ask(ask: Ask): Promise<Json>
  /** @throws {SidecarError} */
  open(): Promise<Connection>
}

export function createClient(invocation: Invocation): Client {
  const open = (): Promise<Connection> => openConnection(invocation)
  return {
    open,
    async ask(ask) {
      const connection = await open()
      const answer = await exchange(connection, ask)
      if (typeof answer === 'object' && answer.status >= 200 && answer.status < 300) {
        const json = answer.status === 204 ? {} : parseObject(answer.body)
        if (json) return json
      }
      const { failureOf } = await import('./client-failures.ts')
      throw failureOf(answer, connection.place)
    },
  }
}

/** The path of an app's resource, the app's name safe to stand in it. */
export function appPath(app: string, rest = ''): string {
  return `/v1/apps/${encodeURIComponent(app)}${rest}`
}

/** Where the daemon and its files are, as far as a client can know. */
export function placesOf({ io: { env }, text }: Invocation): Places {
  const home = env.HOME || process.getBuiltinModule('node:os').homedir()
  return findPlaces({ env, home, flags: { stateDir: text('state-dir') } })
}

async function openConnection(invocation: Invocation): Promise<Connection> {
  const { command, text, io } = invocation
  const named = text('socket')
  const places = placesOf(invocation)
  const url = text('url') ?? io.env.EVO_TOKEN_URL
  if ('url' in command.options && named === undefined && url) {
    const { openTcp } = await import('./tcp.ts')
    const keyFile = text('key-file') ?? (io.env.EVO_TOKEN_KEY_FILE || places.accessKey)
    return openTcp({ url, keyFile, caller: text('caller') ?? 'local' })
  }
  const known = readEndpoint(places.endpoint, process.getuid?.() ?? 0)?.socket
  const candidates = named === undefined ? [known, places.socket, MACHINE_SOCKET] : [named]
  const failures: string[] = []
  for (const place of new Set(candidates)) {
    if (place === undefined) continue
    const usable = usableSocket(place, named !== undefined)
    const socket = 'path' in usable ? await connected(usable) : usable.reason
    if (typeof socket === 'object') return { socket, headers: { Host: 'localhost' }, place }
    failures.push('path' in usable ? `"${place}" gives ${socket}` : socket)
  }
  const { notRunning } = await import('./client-failures.ts')
  throw notRunning(failures.join('; '))
}

/**
 * The real path of a socket, or why it is not to be used. Whoever owns it sees what we send: it has
 * to be ours or root's, in a directory where nobody else can put another one in its place.
 */
function usableSocket(
  path: string,
  named: boolean,
): { readonly path: string } | { readonly reason: string } {
  try {
    const real = realpathSync.native(path)
    // Root may use the socket of any user's daemon, but only where root itself names it.
    const anyOwner = named && process.getuid?.() === 0
    const reason = untrustedBecause(real, anyOwner) ?? untrustedBecause(dirname(real), anyOwner)
    if (reason !== undefined) return { reason }
    return Buffer.byteLength(real) > SOCKET_PATH_MAX_BYTES
      ? { reason: `the path "${real}" is over ${SOCKET_PATH_MAX_BYTES} bytes long` }
      : { path: real }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { reason: code === 'ENOENT' ? `there is no "${path}"` : `"${path}" gives ${code}` }
  }
}

function untrustedBecause(path: string, anyOwner: boolean): string | undefined {
  const uid = process.getuid?.()
  if (uid === undefined) return undefined
  const stats = statSync(path)
  if (stats.uid !== uid && stats.uid !== 0 && !anyOwner) {
    return `"${path}" belongs to another user (uid ${stats.uid})`
  }
  // The mode of a socket says who may connect; that of a directory who may replace what is in it.
  if (!stats.isSocket() && (stats.mode & 0o022) !== 0) return `others may write to "${path}"`
  return undefined
}

/** The connected socket, or the code of the error. */
export async function connected(options: NetConnectOpts): Promise<Socket | string> {
  const socket = connect(options)
  return new Promise((resolve) => {
    socket.once('connect', resolve.bind(undefined, socket))
    // Stays: between two requests nobody else listens, and an unheard error ends the process.
    socket.on('error', ({ code = 'no connection' }: NodeJS.ErrnoException) => {
      resolve(code)
    })
  })
}

/**
 * Sends `ask` and waits for the whole answer; a string says what is wrong with what came instead.
 * With `keep` the connection can be used again.
 */
export async function exchange(
  { socket, headers }: Connection,
  ask: Ask,
  keep = false,
): Promise<Answer | string> {
  const { timeoutMs = PATIENCE_MS } = ask
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    const settle = (answer: Answer | string | undefined) => {
      if (answer === undefined) return
      clearTimeout(timer)
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError)
      if (!keep) socket.destroy()
      resolve(answer)
    }
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const tooLarge = bytes.length > MAX_ANSWER_BYTES
      settle(tooLarge ? 'its answer is too large' : parseAnswer(bytes, false))
    }
    const onEnd = () => {
      settle(parseAnswer(bytes, true))
    }
    const onError = ({ code = 'error' }: NodeJS.ErrnoException) => {
      settle(`the connection broke (${code})`)
    }
    const seconds = timeoutMs / 1000
    const timer = setTimeout(settle, timeoutMs, `it did not answer within ${seconds} seconds`)
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError)
    // It may have been closed between two exchanges, and then tells nobody any more.
    if (socket.destroyed || socket.readableEnded) onEnd()
    else socket.write(requestText(ask, headers, keep))
  })
}

/** HTTP/1.0, which has no chunks to put together. */
export function requestText(
  { method = 'GET', path, body }: Ask,
  headers: Connection['headers'],
  keep: boolean,
): string {
  const json = body && JSON.stringify(body)
  const lines = [`${method} ${path} HTTP/1.0`, `Connection: ${keep ? 'keep-alive' : 'close'}`]
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  if (json !== undefined) {
    lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(json)}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n${json ?? ''}`
}

/** The answer in `bytes`; undefined while some of it is missing; a string says what is wrong. */
export function parseAnswer(bytes: Buffer, ended: boolean): Answer | string | undefined {
  const head = parseHead(bytes)
  if (typeof head === 'string') return head
  const stated = head?.headers.get('content-length')
  const bodyEnd = head && stated !== undefined ? head.bodyAt + Number(stated) : bytes.length
  if (!head || bytes.length < bodyEnd) return ended ? 'its answer was cut short' : undefined
  if (stated === undefined && !ended) return undefined
  return { ...head, body: bytes.toString('utf8', head.bodyAt, bodyEnd) }
}

/** The head of an answer, and where its body begins. */
export function parseHead(
  bytes: Buffer,
): (Omit<Answer, 'body'> & { readonly bodyAt: number }) | string | undefined {
  if (!'HTTP/1.'.startsWith(bytes.toString('latin1', 0, 7))) return 'it does not speak HTTP'
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1])
  return status ? { status, headers, bodyAt: headEnd + 4 } : 'it does not speak HTTP'
}

/** The object in `text`, if it is JSON of one. The text is never quoted: a token may stand in it. */
export function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Json) : undefined
  } catch {
    return undefined
  }
}
