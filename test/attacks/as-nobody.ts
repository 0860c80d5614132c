/** Another user of the machine: nobody, who owns nothing and has no rights. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { missingCommands } from '../support/needs.ts'

export const NOBODY = 65534

/** Why commands cannot be run as another user here. */
export const noOtherUser =
  process.getuid?.() === 0 ? missingCommands('runuser', 'curl') : 'becoming another user takes root'

/** Why the daemon cannot be run as nobody here. */
export function noDaemonOfNobody(): string | undefined {
  const missing = noOtherUser ?? missingCommands('unshare', 'setpriv', 'mount')
  if (missing !== undefined) return missing
  const [unshare, option] = AS_NOBODY
  const { status } = spawnSync(unshare, [option, 'mount', '--bind', '/mnt', '/media'])
  return status === 0 ? undefined : 'this container may not mount'
}

/**
 * Runs the daemon as the user with this number. The checkout and Node may be in root's home, which is closed to nobody, so
 * they are mounted where only this process sees them. `setpriv` becomes what it runs; `runuser` would
 * stay and wait.
 */
export function daemonAs(uid: number): readonly [string, string, ...string[]] {
  return [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `cd / &&
    mount --bind "$(dirname "$1")/.." /mnt &&
    mount --bind "$(dirname "$0")" /media &&
    shift &&
    exec setpriv --reuid=${uid} --regid=${uid} --clear-groups \
      "/media/$(basename "$0")" /mnt/dist/main.js "$@"`,
  ]
}

export const AS_NOBODY = daemonAs(NOBODY)

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
