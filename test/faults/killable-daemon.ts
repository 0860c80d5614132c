/** Starts `daemon-entry.ts` as it was built, and follows it: its log, its steps, and its end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { SharingPolicy } from '../../src/core/sharing/policy.ts'
import { type Home, type LogLine, MAIN, TEST_ENTRY } from '../support/daemon-process.ts'

export interface Step {
  readonly name: string
  readonly app: string
  /** In milliseconds, on the clock of `sharedNow`. */
  readonly at: number
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

export interface KillableDaemon extends AsyncDisposable {
  readonly pid: number
  readonly log: readonly LogLine[]
  readonly steps: readonly Step[]
  /** Its owner socket, as soon as it answers there; rejects with what it said if it ends before. */
  readonly socket: Promise<string>
  /** Resolves with the n-th step of this name, from now on or before. */
  reached(name: string, occurrence?: number): Promise<Step>
  /** Resolves with the first line that `matches`, from now on or before. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>
  signal(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

export interface KillableOptions {
  /** `evo-token serve` itself, which tells of no steps and has no options for tests. */
  readonly serve?: boolean
  readonly killAt?: string
  /** In place of a kill: it goes on at SIGCONT. */
  readonly stopAt?: string
  readonly occurrence?: number
  readonly heartbeatMs?: number
  readonly sharing?: Partial<SharingPolicy>
  readonly env?: NodeJS.ProcessEnv
  /** What comes before Node on the command line: a tracer. */
  readonly under?: readonly string[]
}

/** Milliseconds of the clock that every process of this machine reads alike. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export function startKillableDaemon(
  home: Pick<Home, 'env'>,
  {
    serve = false,
    killAt,
    stopAt,
    occurrence,
    heartbeatMs,
    sharing,
    env = {},
    under = [],
  }: KillableOptions = {},
): KillableDaemon {
  const [command = '', ...args] = [
    ...under,
    process.execPath,
    ...(serve ? [MAIN, 'serve'] : [TEST_ENTRY]),
    ...(killAt === undefined ? [] : ['--kill-at', killAt]),
    ...(stopAt === undefined ? [] : ['--stop-at', stopAt]),
    ...(occurrence === undefined ? [] : ['--occurrence', String(occurrence)]),
    ...(heartbeatMs === undefined ? [] : ['--heartbeat', String(heartbeatMs)]),
    ...(sharing === undefined ? [] : ['--sharing', JSON.stringify(sharing)]),
  ]
  const child = spawn(command, args, {
    env: { ...home.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const said = text(child.stderr as Readable)
  const ended = (async () => {
    const [[code, signal], stderr] = await Promise.all([closed, said])
    return { code, signal, stderr }
  })()
  const log = follow(child.stdout as Readable, toLogLine)
  const steps = follow(child.stdio[3] as Readable, toStep)

  /** Rejects, when the daemon has ended, with how: nothing more is to be waited for. */
  async function unlessEnded<T>(wanted: Promise<T>): Promise<T> {
    const over = ended.then(({ code, signal, stderr }) => {
      const lines = log.seen.map((line) => JSON.stringify(line)).join('\n')
      throw new Error(`the daemon ended with ${String(signal ?? code)}:\n${stderr}\n${lines}`)
    })
    return Promise.race([wanted, over])
  }

  const listening = unlessEnded(log.find(({ msg }) => msg === 'listening'))
  const socket = listening.then((line) => String(line.socket))
  // A test that has it killed does not wait for it.
  socket.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    log: log.seen,
    steps: steps.seen,
    socket,
    reached(name, nth = 1) {
      let left = nth
      return unlessEnded(steps.find((step) => step.name === name && --left === 0))
    },
    logged: (matches) => unlessEnded(log.find(matches)),
    signal(signal) {
      child.kill(signal)
    },
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The lines of a stream as they come, and those that a test waits for. */
function follow<T>(stream: Readable, parse: (line: string) => T) {
  const seen: T[] = []
  const waiting = new Set<(one: T) => void>()
  createInterface(stream).on('line', (line) => {
    const one = parse(line)
    seen.push(one)
    for (const tell of waiting) tell(one)
  })
  // Every one is looked at once and in order: `matches` may count.
  const find = (matches: (one: T) => boolean) =>
    new Promise<T>((resolve) => {
      const before = seen.find(matches)
      if (before !== undefined) {
        resolve(before)
        return
      }
      const look = (one: T) => {
        if (!matches(one)) return
        waiting.delete(look)
        resolve(one)
      }
      waiting.add(look)
    })
  return { seen, find }
}

/** The last line of a process that was killed may have been cut short. */
function toLogLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return { msg: line }
  }
}

function toStep(line: string): Step {
  const [at = '', app = '', name = ''] = line.split('\t')
  return { at: Number(BigInt(at)) / 1e6, app, name }
}
