/** A program of a few lines that uses what we built, for tests that need a second process to lock against or to kill. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { MAIN } from './daemon-process.ts'

const MODULES = join(dirname(MAIN), '../build/src')

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv
  /** A command that runs it in its own place: a tracer. */
  readonly under?: readonly string[]
}

export interface Running {
  readonly pid: number
  /** The next line that it prints. */
  line(): Promise<string>
  kill(signal: NodeJS.Signals): void
  /** Its exit code, or the signal that ended it, and what it said on stderr. */
  readonly ended: Promise<{ readonly end: number | string | null; readonly stderr: string }>
}

/** Starts Node on `program`, an ES module that finds some of our modules, as `scripts/build-tools.mjs` made them, under `./src/`. */
export function startProgram(
  program: string,
  { env = process.env, under = [] }: ProgramOptions = {},
): Running {
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-program-'))
  symlinkSync(MODULES, join(directory, 'src'))
  const path = join(directory, 'program.mjs')
  writeFileSync(path, program)
  const [command, ...args] = [...under, process.execPath, path]
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  const said = text(child.stderr)
  return {
    pid: child.pid ?? 0,
    async line() {
      const next = await lines.next()
      if (next.done) throw new Error(`the program has ended: ${await said}`)
      return next.value
    },
    kill: (signal) => {
      child.kill(signal)
    },
    ended: (async () => {
      const [[code, signal], stderr] = await Promise.all([closed, said])
      rmSync(directory, { recursive: true })
      return { end: signal ?? code, stderr }
    })(),
  }
}
