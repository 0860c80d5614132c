/**
 * The built program as its users have it: a daemon in a process and a home of its own, and the
 * command line beside it. For end-to-end tests, the demo and the benches.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

export const MAIN = join(checkout(), 'dist/main.js')

/** The same daemon, with what only tests may set. Made by `scripts/build-tools.mjs`. */
export const TEST_ENTRY = join(checkout(), 'build/test/faults/daemon-entry.js')

/** This file runs as it stands under the test runner, and from `build/` in the demo. */
function checkout(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory)
  return directory
}

/** A temporary home: config, state and runtime directories that nothing else uses. */
export interface Home extends AsyncDisposable {
  readonly directory: string
  readonly config: string
  readonly stateDir: string
  readonly env: NodeJS.ProcessEnv
  /** Replaces the config. */
  write(config: object): Promise<void>
  remove(): Promise<void>
}

/** @param config nothing is written without it. */
export async function createHome(config?: object): Promise<Home> {
  // Short, because the path of a socket may have a hundred bytes.
  const directory = await mkdtemp(join(tmpdir(), 'evo-token-'))
  const stateDir = join(directory, 'state')
  const home: Home = {
    directory,
    config: join(directory, 'config.json'),
    stateDir,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      EVO_TOKEN_CONFIG: join(directory, 'config.json'),
      EVO_TOKEN_STATE_DIR: stateDir,
      EVO_TOKEN_RUNTIME_DIR: join(directory, 'run'),
    },
    async write(next) {
      await writeFile(home.config, JSON.stringify(next), { mode: 0o600 })
    },
    async remove() {
      await rm(directory, { recursive: true, force: true })
    },
    async [Symbol.asyncDispose]() {
      await home.remove()
    },
  }
  if (config) await home.write(config)
  return home
}

export interface LogLine {
  readonly msg: string
  readonly [field: string]: unknown
}

export interface DaemonProcess extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  readonly socket: string
  /** Everything it has logged so far. */
  readonly log: readonly LogLine[]
  /** The first line, from now on or before, that `matches`. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>
  /** Sends `signal` and resolves with the exit code, null where a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export interface DaemonOptions {
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly node?: string
  /** Another copy of the program. */
  readonly main?: string
  /** Between two heartbeats, where 5 s are too long to wait for one. */
  readonly heartbeatMs?: number
  /** A command that runs the daemon in its own place: `runuser -u nobody --`, `strace -D …`. */
  readonly under?: readonly string[]
}

/** Starts `evo-token serve` and resolves when it listens; rejects with what it said if it ends before. */
export async function startDaemonProcess(
  home: Home,
  options: DaemonOptions = {},
): Promise<DaemonProcess> {
  const { args = [], env = {}, node = process.execPath, main = MAIN, under = [] } = options
  const { heartbeatMs } = options
  const program =
    heartbeatMs === undefined
      ? [main, 'serve', ...args]
      : [TEST_ENTRY, '--silent', '--heartbeat', String(heartbeatMs)]
  const [command = node, ...line] = [...under, node, ...program]
  const child = spawn(command, line, {
    env: { ...home.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: LogLine[] = []
  const waiting = new Set<(line: LogLine) => void>()
  createInterface(child.stdout).on('line', (line) => {
    const parsed = JSON.parse(line) as LogLine
    log.push(parsed)
    for (const tell of waiting) tell(parsed)
  })
  const said = text(child.stderr)
  const exited = once(child, 'exit') as Promise<[number | null]>
  const logged = (matches: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const found = log.find(matches)
      if (found) {
        resolve(found)
        return
      }
      const tell = (line: LogLine) => {
        if (!matches(line)) return
        waiting.delete(tell)
        resolve(line)
      }
      waiting.add(tell)
      exited
        .then(async ([code]) => {
          const lines = log.map((line) => JSON.stringify(line)).join('\n')
          reject(new Error(`the daemon ended with ${String(code)}:\n${await said}\n${lines}`))
        })
        .catch(reject)
    })
  const listening = await logged(({ msg }) => msg === 'listening')
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (isRunning(child)) child.kill(signal)
    const [code] = await exited
    return code
  }
  return {
    pid: child.pid ?? 0,
    url: String(listening.url),
    socket: String(listening.socket),
    log,
    logged,
    stop,
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL')
    },
  }
}

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
  /** Told of each piece that the command prints on either stream; then its stdin stays open. */
  readonly onOutput?: (piece: string) => Promise<void>
}

/** Runs `evo-token` with these arguments to its end. */
export async function runCli(
  home: Home,
  args: readonly string[],
  { input = '', env = {}, onOutput }: CliOptions = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...home.env, ...env } })
  // A command that does not read its stdin may be gone before we have written it.
  child.stdin.on('error', () => undefined)
  if (!onOutput) child.stdin.end(input)
  const told: Promise<void>[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      if (onOutput) told.push(onOutput(piece))
    })
  }
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  await Promise.all(told)
  return { code, stdout, stderr }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}
