/** The daemon's server-sent events (HTML Living Standard §9.2). */
import { createParser } from 'eventsource-parser'
import type { Client } from '../client/connection.ts'
import {
  type Connection,
  type Json,
  parseAnswer,
  parseHead,
  parseObject,
  requestText,
} from '../client/wire.ts'
import { failureOf } from '../client/failures.ts'

/** A single event is far smaller. */
const MAX_PENDING = 1024 * 1024

/**
 * The data of every `status` event, until the daemon or `signal` ends the stream.
 *
 * @throws {SidecarError | EvoTokenError} where the stream cannot be had.
 */
export async function* statusEvents(client: Client, signal: AbortSignal): AsyncGenerator<Json> {
  const connection = await client.open()
  const stop = () => connection.socket.destroy()
  signal.addEventListener('abort', stop)
  try {
    let arrived: Json[] = []
    let pending = 0
    const parser = createParser({
      onEvent({ event, data }) {
        pending = 0
        const status = event === 'status' ? parseObject(data) : undefined
        if (status) arrived.push(status)
      },
      // The daemon sends them so that it notices who went away.
      onComment() {
        pending = 0
      },
    })
    for await (const text of bodyOf(connection)) {
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
async function* bodyOf({ socket, headers, place }: Connection): AsyncGenerator<string> {
  socket.write(requestText({ path: '/v1/events' }, headers, false))
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
  // Not a stream: perhaps a problem that the daemon tells of instead.
  if (!streaming) throw failureOf(parseAnswer(bytes, true) ?? 'it sends no events', place)
}
