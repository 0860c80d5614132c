/**
 * The built program in processes of its own, each with all that it prints, and with the arguments and
 * the environment of everything that it starts, which `strace` sees before they can be gone again.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { type Home, MAIN } from '../support/daemon-process.ts'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Traced {
  /** Everything on both streams so far. */
  readonly said: () => string
  readonly stdin: Writable
  /** Resolves with the first text that `shape` matches in what it has said; rejects if it ends before. */
  saying(shape: RegExp): Promise<string>
  readonly ended: Promise<Ended>
}

export interface TraceOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly input?: string
}

export interface Tracer {
  start(args: readonly string[], options?: TraceOptions): Traced
  run(args: readonly string[], options?: TraceOptions): Promise<Ended>
  /** One line per program that was started by a process which has ended: its path, arguments and environment. */
  started(): readonly string[]
}

/** Every program of the trace; no string is cut short. */
const STRACE = ['-f', '--seccomp-bpf', '-qq', '-v', '-s', '100000', '-e', 'trace=execve']

/** @param traces a directory outside of the home, which is looked through. */
export function createTracer(home: Home, traces: string): Tracer {
  const files: string[] = []

  function start(
    args: readonly string[],
    { env = {}, cwd = home.directory, input }: TraceOptions = {},
  ): Traced {
    const file = join(traces, `${files.length}.trace`)
    files.push(file)
    // No core file, whatever ends it: what is in memory is in there.
    const shell = 'ulimit -c 0; exec "$@"'
    const child = spawn(
      'sh',
      ['-c', shell, 'sh', 'strace', ...STRACE, '-o', file, process.execPath, MAIN, ...args],
      { env: { ...home.env, ...env }, cwd },
    )
    child.stdin.on('error', () => undefined)
    if (input !== undefined) child.stdin.end(input)
    const said = { stdout: '', stderr: '' }
    const hears = new EventTarget()
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (piece: string) => {
        said[stream] += piece
        hears.dispatchEvent(new Event('piece'))
      })
    }
    const closed = once(child, 'close') as Promise<[number | null]>
    const ended = closed.then(([code]) => ({ code, ...said }))
    return {
      said: () => said.stdout + said.stderr,
      stdin: child.stdin,
      ended,
      async saying(shape) {
        const over = ended.then(({ code }) => {
          throw new Error(`it ended with ${String(code)}: ${said.stdout}${said.stderr}`)
        })
        over.catch(() => undefined)
        for (;;) {
          const found = shape.exec(said.stdout + said.stderr)
          if (found) return found[1] ?? found[0]
          await Promise.race([once(hears, 'piece'), over])
        }
      },
    }
  }

  return {
    start,
    run: (args, options) => start(args, { input: '', ...options }).ended,
    started: () =>
      files.flatMap((file) =>
        readFileSync(file, 'latin1')
          .split('\n')
          .filter((line) => line.includes('execve(')),
      ),
  }
}
