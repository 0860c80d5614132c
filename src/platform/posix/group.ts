/** The groups of this machine, by /etc/group or by a directory service. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { SidecarError } from '../../errors.ts'

/** Exit code of getent(1) for a key that it does not find. */
const NOT_FOUND = 2

/** @throws {SidecarError} `failed` where there is no group of this name. */
export async function requireGroup(group: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (await isKnownGroup(group, env)) return
  throw new SidecarError('failed', `There is no group "${group}" on this machine.`, {
    hint: 'Create it first: groupadd --system NAME',
  })
}

async function isKnownGroup(group: string, env: NodeJS.ProcessEnv): Promise<boolean> {
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

/**
 * Whether the group has the name of its user, is the primary group of no other user, and has no other member. A
 * group of a directory service counts as shared: its members may be in no file.
 */
export function isPrivateGroup(gid: number, uid: number, etc = '/etc'): boolean {
  // Root's group is that of administrators on some systems.
  if (gid === 0) return false
  try {
    const users = tableIn(`${etc}/passwd`)
    const name = users.find(([, , id]) => Number(id) === uid)?.[0]
    const groups = tableIn(`${etc}/group`).filter(([, , id]) => Number(id) === gid)
    const members = groups.flatMap(([, , , listed = '']) => listed.split(',')).filter(Boolean)
    const primary = users.filter(([, , , group]) => Number(group) === gid)
    return (
      groups.length === 1 &&
      groups[0]?.[0] === name &&
      members.every((member) => member === name) &&
      primary.every(([user]) => user === name)
    )
  } catch {
    // Without the files it cannot be known.
    return false
  }
}

/** The columns of passwd(5) and group(5). */
function tableIn(file: string): string[][] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => line.split(':'))
}
