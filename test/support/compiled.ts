/**
 * The sources as JavaScript in a directory of their own, for tests that need a second process of
 * ours to lock against or to kill. Types are not looked at: the type check has its own command.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import ts from 'typescript'

const ROOT = join(import.meta.dirname, '../..')

export interface Compiled extends AsyncDisposable {
  /** Starts Node on `program`, an ES module that finds our sources under `./src/`. */
  run(program: string, options?: RunOptions): Running
}

export interface RunOptions {
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

export function compileSources(): Compiled {
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-compiled-'))
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  for (const name of sources.filter((path) => path.endsWith('.ts'))) {
    const target = join(directory, 'src', name.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(target), { recursive: true })
    const { outputText } = ts.transpileModule(readFileSync(join(ROOT, 'src', name), 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    })
    writeFileSync(target, outputText)
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  let programs = 0
  return {
    run(program, { env = process.env, under = [] } = {}) {
      const path = join(directory, `program-${++programs}.js`)
      writeFileSync(path, program)
      return start([...under, process.execPath, path], env)
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function start([command = '', ...args]: string[], env: NodeJS.ProcessEnv): Running {
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
      return { end: signal ?? code, stderr }
    })(),
  }
}
