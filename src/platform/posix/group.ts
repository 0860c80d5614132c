/** Checks that this machine has a group, in /etc/group or in a directory service. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { SidecarError } from '../../errors.ts'

/** Exit code of getent(1) for a key that it does not find. */
const NOT_FOUND = 2

/** @throws {SidecarError} `failed` where there is no group of this name. */
export async function requireGroup(group: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (await isKnown(group, env)) return
  throw new SidecarError('failed', `There is no group "${group}" on this machine.`, {
    hint: 'Create it first: groupadd --system NAME',
  })
}

async function isKnown(group: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await promisify(execFile)('getent', ['group', '--', group], { env })
    return true
  } catch (cause) {
    const { code } = cause as { code?: unknown }
    if (code === NOT_FOUND) return false
    // A C library without getent has no directory service either.
    if (code === 'ENOENT') return isInFile(group)
    const message = `\`getent group ${group}\` fails.`
    throw new SidecarError('failed', message, { cause, hint: 'See what it says, and try again.' })
  }
}

function isInFile(group: string): boolean {
  const lines = readFileSync('/etc/group', 'utf8').split('\n')
  return lines.some((line) => line.includes(':') && line.split(':')[0] === group)
}
