/**
 * Exchanges a request and an answer with the daemon, in just enough HTTP/1.0: with `node:http` `evo-token get` would
 * take up to twice as long.
 */
import { type JsonObject, parseJsonObject } from '../core/json-object.ts'
import { connect, type NetConnectOpts, type Socket } from 'node:net'

/** The longest that the daemon takes: a refresh under way (30 s), then a request of its own (30 s). */
const ANSWER_TIMEOUT_MS = 75_000

/** After so long without a byte, `onSilence` finds out whether the daemon is there. */
const ANSWER_SILENCE_MS = 3_000

/** The status of 10,000 apps takes 5 to 10 MiB: a larger answer comes from another program. */
const DAEMON_ANSWER_MAX_BYTES = 32 * 1024 * 1024

export interface DaemonRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly timeoutMs?: number
}

/** An open connection, and the headers that a request on it needs. */
export interface Connection {
  readonly socket: Socket
  readonly headers: Readonly<Record<string, string>>
  /** What it is connected to, for messages. */
  readonly place: string
  /** How to connect there again. */
  readonly target?: NetConnectOpts
  /** Called after a silence; rejects when no answer can be expected any more. */
  readonly onSilence?: (signal: AbortSignal) => Promise<void>
}

export interface DaemonAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** The object in the body; undefined where that is no JSON object. */
  readonly json: JsonObject | undefined
}

/** Connects. Resolves with the socket, or with the code of the error. */
export async function openSocket(options: NetConnectOpts): Promise<Socket | string> {
  const socket = connect(options)
  return new Promise((resolve) => {
    socket.once('connect', resolve.bind(undefined, socket))
    // Not removed: between two requests there is no other listener, and an unhandled error ends the process.
    socket.on('error', ({ code = 'no connection' }: NodeJS.ErrnoException) => {
      resolve(code)
    })
  })
}

/**
 * Sends `ask` and waits for the whole answer. A string says why there is none. With `keep` the connection can be used
 * again.
 */
export async function exchange(
  { socket, headers, onSilence }: Connection,
  ask: DaemonRequest,
  keep = false,
): Promise<DaemonAnswer | string> {
  const { timeoutMs = ANSWER_TIMEOUT_MS } = ask
  return new Promise((resolve, reject) => {
    const received: ResponseBuffer = { pieces: [], length: 0, end: 0 }
    // Created when it is needed: loading it takes longer than most answers.
    let silent: AbortController | undefined
    const settle = (answer: DaemonAnswer | string | undefined) => {
      if (answer === undefined) return
      clearTimeout(timer)
      clearTimeout(silence)
      silent?.abort()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError)
      if (!keep) socket.destroy()
      resolve(answer)
    }
    const onData = (chunk: Buffer) => {
      clearTimeout(silence)
      received.pieces.push(chunk)
      received.length += chunk.length
      const tooLarge = received.length > DAEMON_ANSWER_MAX_BYTES
      settle(tooLarge ? 'its answer is too large' : answerIn(received))
    }
    const onEnd = () => {
      settle(parseAnswer(Buffer.concat(received.pieces), true))
    }
    const onError = ({ code = 'error' }: NodeJS.ErrnoException) => {
      settle(`the connection broke (${code})`)
    }
    const seconds = timeoutMs / 1000
    const timer = setTimeout(settle, timeoutMs, `it did not answer within ${seconds} seconds`)
    const silence = setTimeout(() => {
      silent = new AbortController()
      onSilence?.(silent.signal).catch((error: unknown) => {
        reject(error instanceof Error ? error : new Error(String(error)))
        settle('it gives no sign of life')
      })
    }, ANSWER_SILENCE_MS)
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError)
    // A socket that was closed between two exchanges emits no event.
    if (socket.destroyed || socket.readableEnded) onEnd()
    else socket.write(requestText(ask, headers, keep))
  })
}

interface ResponseBuffer {
  pieces: Buffer[]
  length: number
  /** Where the answer ends, by its head; with fewer bytes it is not parsed again. 0 until the head is complete. */
  end: number
}

/** Parses what has come so far. A long answer is joined once, not with each piece. */
function answerIn(received: ResponseBuffer): DaemonAnswer | string | undefined {
  if (received.length < received.end) return undefined
  const bytes = Buffer.concat(received.pieces)
  received.pieces = [bytes]
  const head = parseHead(bytes)
  if (typeof head === 'object') received.end = findEnd(head) ?? Infinity
  return parseAnswer(bytes, false)
}

/** The text of a request, in HTTP/1.0: its answers have no chunks to join. */
export function requestText(
  { method = 'GET', path, body }: DaemonRequest,
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
export function parseAnswer(bytes: Buffer, ended: boolean): DaemonAnswer | string | undefined {
  const head = parseHead(bytes)
  if (typeof head === 'string') return head
  const stated = head && findEnd(head)
  const end = stated ?? bytes.length
  if (!head || bytes.length < end) return ended ? 'its answer was cut short' : undefined
  if (stated === undefined && !ended) return undefined
  const { status, headers, bodyAt } = head
  return { status, headers, json: parseJsonObject(bytes.toString('utf8', bodyAt, end)) }
}

type Head = Omit<DaemonAnswer, 'json'> & { readonly bodyAt: number }

/** Where the answer ends; undefined where the connection's end ends it. */
function findEnd({ headers, bodyAt }: Head): number | undefined {
  const length = headers.get('content-length')
  return length === undefined ? undefined : bodyAt + Number(length)
}

/** The head of an answer, and where its body begins. */
export function parseHead(bytes: Buffer): Head | string | undefined {
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

/** Makes the `onSilence` of a connection. Most of its code is imported only when it is called. */
export type SilenceOf = (
  connection: Pick<Connection, 'headers' | 'place'> & { readonly target: NetConnectOpts },
) => NonNullable<Connection['onSilence']>
