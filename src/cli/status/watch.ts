/** `status --watch`: the statuses as they change, until interrupted or until the reader has gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type StatusAnswer, toStatusAnswer } from '../../client/status-answer.ts'
import type { Client } from '../../client/connection.ts'
import { EvoTokenError } from '../../client/failures.ts'
import { daemonEvents } from './events.ts'
import type { Io } from '../io.ts'
import { statusLine, statusTable } from './status-view.ts'

/** How often the time left is redrawn, and a missing daemon is asked again. */
const TICK_MS = 1_000

/** ECMA-48: the whole screen, from here to the end of the line, from here to the end of the screen. */
const CLEAR_ALL = '\x1b[2J'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
const HOME = '\x1b[H'

const TOO_MANY_STREAMS =
  'The daemon ended this event stream: the caller has opened too many, and its oldest one goes.'
const CLOSE_SOME =
  'End other programs that watch with the same key, or give each a key of its own (`evo-token caller add NAME`).'

export interface Watched {
  /** Empty for all apps. */
  readonly app: string
  readonly asJson: boolean
  readonly colour: boolean
  readonly io: Io
}

export async function watch(client: Client, watched: Watched): Promise<number> {
  const { app, io } = watched
  const view = watched.asJson ? linesOf(io, toJsonLine) : viewFor(watched)
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
            throw new EvoTokenError('failed', TOO_MANY_STREAMS, CLOSE_SOME)
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

/** Resolves when the daemon answers, or the reader has gone. */
async function waitForDaemon(client: Client, signal: AbortSignal): Promise<void> {
  for (;;) {
    // Rejects when it is aborted, which the loop asks for itself.
    await sleep(TICK_MS, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      await client.ask({ path: '/v1/apps' })
      return
    } catch (error) {
      if (!isTemporary(error)) throw error
    }
  }
}

/** Whether a restarting daemon causes such errors. */
function isTemporary(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return 'exitCode' in error ? error.exitCode === 4 || error.exitCode === 5 : 'code' in error
}

interface View {
  show(status: StatusAnswer): void
  remove(app: string): void
  /** Says that the daemon does not answer: what was shown may hold no longer. */
  lose(): void
  startOver(): void
  stop(): void
}

function viewFor({ io, colour }: Watched): View {
  return io.stdout.isTTY ? screenOf(io, colour) : linesOf(io, (one) => statusLine(one, Date.now()))
}

const LOST = 'The daemon does not answer; waiting for it.'

function linesOf({ stdout, stderr }: Io, toLine: (status: StatusAnswer) => string): View {
  return {
    show: (status) => stdout.write(toLine(status)),
    remove: () => undefined,
    lose: () => stderr.write(`${LOST}\n`),
    startOver: () => undefined,
    stop: () => undefined,
  }
}

function toJsonLine(status: StatusAnswer): string {
  return `${JSON.stringify(status)}\n`
}

/** A table that is drawn again at every change, and every second because time runs out. */
function screenOf({ stdout }: Io, colour: boolean): View {
  const statuses = new Map<string, StatusAnswer>()
  let isLost = false
  const draw = () => {
    const lines = isLost
      ? `${LOST}\n`
      : statusTable([...statuses.values()], Date.now(), colour, stdout.columns)
    stdout.write(`${HOME}${lines.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`)
  }
  stdout.write(CLEAR_ALL)
  const ticker = setInterval(draw, TICK_MS)
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
