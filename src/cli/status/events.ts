/** The daemon's server-sent events (HTML Living Standard §9.2). */
import { type JsonObject, parseJsonObject } from '../../core/json-object.ts'
import { createParser } from 'eventsource-parser'
import type { Client } from '../../client/connection.ts'
import { type Connection, parseAnswer, parseHead, requestText } from '../../client/wire.ts'
import { failureOf } from '../../client/failures.ts'

/** In characters. A single event is far smaller. */
const MAX_PENDING = 1024 * 1024

/** The daemon sends something every 5 s. One that is silent for so long hangs, or is paused. */
const SILENT_MS = 20_000

export type StreamedEvent =
  | { readonly kind: 'status' | 'activity'; readonly data: JsonObject }
  /** The app was removed from the config. */
  | { readonly kind: 'removed'; readonly app: string }
  /** The daemon ends the stream: its caller has too many. */
  | { readonly kind: 'closed' }

/**
 * Yields every event, until the daemon or `signal` ends the stream.
 *
 * @throws {SidecarError | EvoTokenError} where the stream cannot be had.
 */
export async function* daemonEvents(
  client: Client,
  signal: AbortSignal,
  path: string,
): AsyncGenerator<StreamedEvent> {
  const connection = await client.open()
  const stop = () => connection.socket.destroy()
  signal.addEventListener('abort', stop)
  // It may have been aborted while the connection was being made.
  if (signal.aborted) stop()
  try {
    let arrived: StreamedEvent[] = []
    let pending = 0
    const parser = createParser({
      onEvent({ event, data }) {
        pending = 0
        const parsed = parseJsonObject(data)
        if ((event === 'status' || event === 'activity') && parsed)
          arrived.push({ kind: event, data: parsed })
        if (event === 'removed' && parsed)
          arrived.push({ kind: 'removed', app: String(parsed.app) })
        if (event === 'close') arrived.push({ kind: 'closed' })
      },
      // The daemon sends comments to notice readers that have gone.
      onComment() {
        pending = 0
      },
    })
    for await (const text of bodyOf(connection, path)) {
      pending += text.length
      parser.feed(text)
      if (pending > MAX_PENDING) throw failureOf('an event is too large', connection.place)
      yield* arrived
      arrived = []
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

/** The text of the stream as it comes. */
async function* bodyOf(
  { socket, headers, place }: Connection,
  path: string,
): AsyncGenerator<string> {
  socket.setTimeout(SILENT_MS, () => {
    socket.destroy(failureOf('it has gone silent', place))
  })
  socket.write(requestText({ path }, headers, false))
  const decoder = new TextDecoder()
  let bytes = Buffer.alloc(0)
  let streaming = false
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (streaming) {
      yield decoder.decode(chunk, { stream: true })
      continue
    }
    bytes = Buffer.concat([bytes, chunk])
    const head = parseHead(bytes)
    if (typeof head === 'string' || bytes.length > MAX_PENDING) break
    streaming = head?.headers.get('content-type')?.startsWith('text/event-stream') ?? false
    if (head && streaming) yield decoder.decode(bytes.subarray(head.bodyAt), { stream: true })
  }
  // No stream: the daemon may have answered with a problem.
  if (!streaming) throw failureOf(parseAnswer(bytes, true) ?? 'it sends no events', place)
}
