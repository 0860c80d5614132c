/**
 * The open event streams (server-sent events). Each caller gets the changes of its own apps until it is
 * removed. A reader that does not read is cut off.
 */
import type { ServerResponse } from 'node:http'
import type { Activity } from '../core/activity.ts'
import { SidecarError } from '../errors.ts'
import { toStatusJson } from './answers.ts'
import { type Caller, isVisible, mayUse, visibleApps } from './callers.ts'
import type { TokenBroker } from './deps.ts'
import type { Door } from './door.ts'
import { maySee, toActivityJson } from './activity-view.ts'

interface Stream {
  readonly caller: Caller
  readonly door: Door
  readonly response: ServerResponse
  /** Whether it also gets entries of the activity. */
  readonly activity: boolean
}

/** The most bytes that may wait for a slow reader, some hundred events; then it is cut off. */
const UNREAD_MAX_BYTES = 256 * 1024

/** The most streams of a caller at each door; one more ends its oldest. */
const STREAMS_MAX = 32

const STREAM_HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Type': 'text/event-stream',
} as const

export class EventStreams {
  readonly #broker: TokenBroker
  readonly #open = new Set<Stream>()
  #closed = false

  constructor(broker: TokenBroker) {
    this.#broker = broker
  }

  /** Answers with a stream: the state of every app of the caller now, and each change from now on. */
  open(
    caller: Caller,
    door: Door,
    response: ServerResponse,
    { activity }: { readonly activity: boolean },
  ): void {
    response.writeHead(200, STREAM_HEADERS)
    if (response.req.method === 'HEAD' || this.#closed) {
      response.end()
      return
    }
    const stream = { caller, door, response, activity }
    this.#endOldestOf(stream)
    this.#open.add(stream)
    response.once('close', () => this.#open.delete(stream))
    response.flushHeaders()
    this.#writeStatuses(stream, visibleApps(this.#broker, caller))
  }

  /** Sends the status of `app` to every caller that may see it. */
  sendStatus(app: string): void {
    for (const stream of this.#open) {
      if (isVisible(this.#broker, stream.caller, app)) this.#writeStatus(stream, app)
    }
  }

  /** Tells every caller that could see `app` that the config no longer has it. */
  sendRemoved(app: string): void {
    for (const stream of this.#open) {
      if (mayUse(stream.caller, app)) this.#write(stream, eventOf('removed', { app }))
    }
  }

  /** Sends what has just happened to every reader that asked for it and may see it. */
  sendActivity(item: Activity): void {
    for (const stream of this.#open) {
      const { caller, door } = stream
      if (!stream.activity || !maySee(caller, door, item)) continue
      this.#write(stream, eventOf('activity', toActivityJson(item, caller, door)))
    }
  }

  /** Sends a comment on every stream: writing shows which readers have left without closing theirs. */
  sendHeartbeat(): void {
    for (const stream of this.#open) this.#write(stream, ':\n\n')
  }

  /** Ends the streams of `caller` whose key no longer works. */
  endStreamsOf(caller: string): void {
    for (const stream of this.#open) {
      if (stream.caller.name === caller && !isProven(stream)) stream.response.end()
    }
  }

  /** Ends every stream, and each that is opened later: the daemon stops. */
  close(): void {
    this.#closed = true
    for (const stream of this.#open) {
      if (stream.door.announcesStop) this.#write(stream, eventOf('stopping', {}))
      stream.response.end()
    }
  }

  /** Makes room for `next` among the streams of its caller. */
  #endOldestOf(next: Stream): void {
    const own = [...this.#open].filter(
      ({ caller, door }) => caller.name === next.caller.name && door.name === next.door.name,
    )
    for (const stream of own.slice(0, Math.max(0, own.length + 1 - STREAMS_MAX))) {
      this.#open.delete(stream)
      this.#write(stream, eventOf('close', { reason: 'too_many_streams', max: STREAMS_MAX }))
      stream.response.end()
    }
  }

  /** Writes as much as the reader takes, and the rest when it has read that: thousands of apps are megabytes. */
  #writeStatuses(stream: Stream, apps: readonly string[]): void {
    const { caller, response } = stream
    for (const [index, app] of apps.entries()) {
      if (response.writableEnded || response.destroyed) return
      if (response.writableNeedDrain) {
        response.once('drain', () => {
          this.#writeStatuses(stream, apps.slice(index))
        })
        return
      }
      // The app may have been removed since the stream began.
      if (isVisible(this.#broker, caller, app)) this.#writeStatus(stream, app)
    }
  }

  #writeStatus(stream: Stream, app: string): void {
    this.#write(stream, eventOf('status', toStatusJson(this.#broker.status(app), stream.door)))
  }

  #write({ response }: Stream, text: string): void {
    if (response.writableLength > UNREAD_MAX_BYTES) response.destroy()
    else response.write(text)
  }
}

/** Whether the door would let the reader in again. */
function isProven({ door, response }: Stream): boolean {
  try {
    door.identify(response.req)
    return true
  } catch (error) {
    if (error instanceof SidecarError) return false
    throw error
  }
}

function eventOf(
  name: 'status' | 'removed' | 'activity' | 'close' | 'stopping',
  data: object,
): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
