/**
 * An exchange with the daemon, in just enough HTTP/1.0: `node:http` would double the time that
 * `evo-token get` takes.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net'

/** The longest that the daemon takes: a refresh under way (30 s), then a request of its own (30 s). */
const PATIENCE_MS = 75_000

/** A daemon that says nothing for so long is asked whether it is there. */
const SILENCE_MS = 3_000

/** The status of 10,000 apps takes 5 to 10 MiB: a larger answer comes from another program. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024

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
  /** How to connect there again. */
  readonly target?: NetConnectOpts
  /** Called when nothing has come for so long; it rejects when no answer is to be expected any more. */
  readonly onSilence?: (signal: AbortSignal) => Promise<void>
}

export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** The object that it holds; undefined where it is not JSON of one. */
  readonly json: Json | undefined
}

/** The connected socket, or the code of the error. */
export async function openSocket(options: NetConnectOpts): Promise<Socket | string> {
  const socket = connect(options)
  return new Promise((resolve) => {
    socket.once('connect', resolve.bind(undefined, socket))
    // Stays: between two requests there is no other listener, and an unhandled error ends the process.
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
  { socket, headers, onSilence }: Connection,
  ask: Ask,
  keep = false,
): Promise<Answer | string> {
  const { timeoutMs = PATIENCE_MS } = ask
  return new Promise((resolve, reject) => {
    const received: Received = { pieces: [], length: 0, end: 0 }
    // Made when it is needed: to load it takes `get` longer than most answers.
    let silent: AbortController | undefined
    const settle = (answer: Answer | string | undefined) => {
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
      const tooLarge = received.length > MAX_ANSWER_BYTES
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
    }, SILENCE_MS)
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError)
    // It may have been closed between two exchanges; then no event follows.
    if (socket.destroyed || socket.readableEnded) onEnd()
    else socket.write(requestText(ask, headers, keep))
  })
}

interface Received {
  pieces: Buffer[]
  length: number
  /** Where the answer ends, as its head says: less of it is not looked at again. 0 before the head is there. */
  end: number
}

/** As parseAnswer, of what has come so far. A long answer is put together once, not with each piece. */
function answerIn(received: Received): Answer | string | undefined {
  if (received.length < received.end) return undefined
  const bytes = Buffer.concat(received.pieces)
  received.pieces = [bytes]
  const head = parseHead(bytes)
  if (typeof head === 'object') received.end = endOf(head) ?? Infinity
  return parseAnswer(bytes, false)
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
  const stated = head && endOf(head)
  const end = stated ?? bytes.length
  if (!head || bytes.length < end) return ended ? 'its answer was cut short' : undefined
  if (stated === undefined && !ended) return undefined
  const { status, headers, bodyAt } = head
  return { status, headers, json: parseObject(bytes.toString('utf8', bodyAt, end)) }
}

type Head = Omit<Answer, 'json'> & { readonly bodyAt: number }

/** Where the answer ends; undefined where that is the end of the connection. */
function endOf({ headers, bodyAt }: Head): number | undefined {
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

/** The object in `text`, if it is JSON of one. The text is never quoted: a token may stand in it. */
export function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

/** What makes the watch over a connection on which nothing comes; most of it is loaded only then. */
export type SilenceOf = (
  connection: Pick<Connection, 'headers' | 'place'> & { readonly target: NetConnectOpts },
) => NonNullable<Connection['onSilence']>
