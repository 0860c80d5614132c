/** A home as a killed daemon leaves it, and the clients of ours that are no command of `evo-token`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { run } from '../cli/stand-in.ts'
import { seededHome } from '../faults/seeded-home.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { type CliResult, type Home, startDaemonProcess } from '../support/daemon-process.ts'

export interface LeftHome {
  readonly home: Home
  /** Of the caller `local`. */
  readonly key: string
  /** Where the daemon was, and where endpoint.json says that it is. */
  readonly port: number
}

/** The app `evo-me` is signed in. Its authorization server is gone as well: nothing is due. */
export async function homeLeftByKill(): Promise<LeftHome> {
  await using server = await startAuthorizationServer()
  const home = await seededHome(server, { apps: { 'evo-me': 'fresh' } })
  const daemon = await startDaemonProcess(home)
  await daemon.stop('SIGKILL')
  const key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
  return { home, key, port: Number(new URL(daemon.url).port) }
}

/** Prints a token as the Python client gets it, from what it knows of `home` and `more`. */
export async function pythonClient(
  { env }: Home,
  app = 'evo-me',
  more: NodeJS.ProcessEnv = {},
): Promise<CliResult> {
  const PYTHONPATH = join(import.meta.dirname, '../../clients/python/src')
  const all = { ...env, PATH: process.env.PATH, PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1', ...more }
  const script = `from evo_token import get_token; print(get_token("${app}").value)`
  return ended(spawn('python3', ['-c', script], { env: all }), '')
}

/** Runs `script` in sh, with the functions that `shell-init` prints. */
export async function shell(home: Home, script: string): Promise<CliResult> {
  const functions = await run(home, ['shell-init'])
  return ended(spawn('sh', ['-s'], { env: home.env }), `${functions.stdout}\n${script}\n`)
}

async function ended(child: ReturnType<typeof spawn>, input: string): Promise<CliResult> {
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('its output cannot be read')
  stdin.end(input)
  const [out, err, [code]] = await Promise.all([
    text(stdout),
    text(stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout: out, stderr: err }
}
