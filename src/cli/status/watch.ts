/** `status --watch`: shows statuses as they change, until it is interrupted or its reader has gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type StatusAnswer, toStatusAnswer } from '../../client/status-answer.ts'
import type { Client } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { daemonEvents } from './events.ts'
import type { Io } from '../io.ts'
import { statusLine, statusTable } from './status-view.ts'

/** How often the time left is drawn again, and a missing daemon is asked again. */
const REDRAW_MS = 1_000

/** ECMA-48: the whole screen, from here to the end of the line, from here to the end of the screen. */
const CLEAR_ALL = '\x1b[2J'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
const CURSOR_HOME = '\x1b[H'

const TOO_MANY_STREAMS =
  'The daemon ended this event stream: its caller has opened too many, and this was the oldest.'
const CLOSE_SOME =
  'End other programs that watch with the same key, or give each a key of its own (`evo-token caller add NAME`).'

export function tooManyStreams(): EvoTokenError {
  return new EvoTokenError('failed', TOO_MANY_STREAMS, CLOSE_SOME)
}

export interface WatchOptions {
  /** Empty for all apps. */
  readonly app: string
  readonly asJson: boolean
  readonly colour: boolean
  readonly io: Io
}

export async function watch(client: Client, watched: WatchOptions): Promise<number> {
  const { app, io } = watched
  const view = watched.asJson ? createLineView(io, toJsonLine) : viewFor(watched)
  const readerGone = new AbortController()
  const { signal } = readerGone
  io.stdout.once('close', () => {
    readerGone.abort()
  })
  try {
    let reached = false
    for (;;) {
      try {
        for await (const event of daemonEvents(client, signal, '/v1/events')) {
          reached = true
          if (event.kind === 'closed') {
            throw tooManyStreams()
          }
          if (event.kind === 'removed') {
            if (!app || event.app === app) view.remove(event.app)
            continue
          }
          if (event.kind !== 'status') continue
          const status = toStatusAnswer(event.data)
          if (!app || status.app === app) view.show(status)
        }
      } catch (error) {
        if (!signal.aborted && !(reached && isTemporary(error))) throw error
      }
      if (signal.aborted) return 0
      view.lose()
      await waitForDaemon(client, signal)
      view.startOver()
    }
  } finally {
    view.stop()
  }
}

/** Resolves when a daemon that was there answers again, or `signal` is aborted. */
export async function waitForDaemon(client: Client, signal: AbortSignal): Promise<void> {
  for (;;) {
    // Rejects when `signal` is aborted, which the next line checks.
    await sleep(REDRAW_MS, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      await client.ask({ path: '/v1/apps' })
      return
    } catch (error) {
      if (!isTemporary(error)) throw error
    }
  }
}

/** Whether a daemon that restarts may cause this error. */
export function isTemporary(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return 'exitCode' in error ? error.exitCode === 4 || error.exitCode === 5 : 'code' in error
}

interface View {
  show(status: StatusAnswer): void
  remove(app: string): void
  /** Says that the daemon does not answer; on a terminal it hides what may not be true any more. */
  lose(): void
  startOver(): void
  stop(): void
}

function viewFor({ io, colour }: WatchOptions): View {
  return io.stdout.isTTY
    ? screenOf(io, colour)
    : createLineView(io, (one) => statusLine(one, Date.now()))
}

const DAEMON_LOST = 'The daemon does not answer; waiting for it.'

function createLineView({ stdout, stderr }: Io, toLine: (status: StatusAnswer) => string): View {
  return {
    show: (status) => stdout.write(toLine(status)),
    remove: () => undefined,
    lose: () => stderr.write(`${DAEMON_LOST}\n`),
    startOver: () => undefined,
    stop: () => undefined,
  }
}

function toJsonLine(status: StatusAnswer): string {
  return `${JSON.stringify(status)}\n`
}

/** A table that is drawn again at every change, and every second for the time left. */
function screenOf({ stdout }: Io, colour: boolean): View {
  const statuses = new Map<string, StatusAnswer>()
  let isLost = false
  const draw = () => {
    const lines = isLost
      ? `${DAEMON_LOST}\n`
      : statusTable([...statuses.values()], Date.now(), colour, stdout.columns)
    stdout.write(`${CURSOR_HOME}${lines.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`)
  }
  stdout.write(CLEAR_ALL)
  const ticker = setInterval(draw, REDRAW_MS)
  return {
    show(status) {
      statuses.set(status.app, status)
      draw()
    },
    remove(app) {
      statuses.delete(app)
      draw()
    },
    lose() {
      isLost = true
      draw()
    },
    startOver() {
      isLost = false
      statuses.clear()
    },
    stop() {
      clearInterval(ticker)
    },
  }
}
