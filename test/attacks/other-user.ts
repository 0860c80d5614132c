/** Another user of the machine: nobody, who owns nothing and has no rights. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { MAIN } from '../support/daemon-process.ts'
import { missingCommands } from '../support/needs.ts'

export const NOBODY = 65534

/** Why commands cannot be run as another user here. */
export const noOtherUser =
  process.getuid?.() === 0
    ? missingCommands('runuser', 'setpriv', 'curl')
    : 'becoming another user takes root'

/** Why this checkout cannot be run by another user. */
export function checkoutClosedTo(user: string): string | undefined {
  if (noOtherUser !== undefined) return noOtherUser
  const [program, ...line] = asUser(user, [process.execPath, MAIN, '--version'])
  const { status } = spawnSync(program, line)
  return status === 0 ? undefined : `the checkout is closed to ${user}`
}

/** Runs the daemon as nobody. Unlike runuser, which stays and waits, it becomes what it runs. */
export const AS_NOBODY = `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --`.split(' ')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function asUser(user: string, command: readonly string[]): [string, ...string[]] {
  return ['runuser', '-u', user, '--', ...command]
}

/** Runs a command as `user`, without anything of this environment. */
export async function runAs(
  user: string,
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const [program, ...line] = asUser(user, command)
  const child = spawn(program, line, {
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}
