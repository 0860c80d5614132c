/** Asks Windows who may reach a file or directory. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, win32 } from 'node:path'
import type { AccessAnswer } from '../platform.ts'
import {
  type Access,
  isTrustedUser,
  othersWith,
  findOwnerSid,
  savedList,
  sidIn,
} from './access-list.ts'
import { homeOf } from './for-clients.ts'
import { quoted } from './quoted.ts'
import { runSystemProgram } from './run-program.ts'
import { POWERSHELL } from './system-program.ts'

const ACCESS_TIMEOUT_MS = 20_000

/** Characters of a list in a message. */
const LIST_SHOWN = 300

/** Whether users besides this one and the administrators have `access` to what is at `path`. */
export async function askAccess(path: string, access: Access): Promise<AccessAnswer> {
  const [own, list] = await Promise.all([ownSid(), listOf(path)])
  if (own === undefined || list === undefined) return { kind: 'unknown' }
  // First remove the list's own entries, then what it inherits.
  const all = `${inheritanceOf(access)}F`
  const mend = `icacls ${quoted(path)} /reset; icacls ${quoted(path)} /inheritance:r /grant:r "*${own}:${all}" "*S-1-5-18:${all}"`
  const others = othersWith(access, list, own)
  if (others === undefined) {
    const shown = list.slice(0, LIST_SHOWN)
    return { kind: 'open', reason: `has an access list of an unknown form: ${shown}`, mend }
  }
  if (others.length > 0) {
    const may = access === 'read' ? 'read what is in it, or change it' : 'write to it'
    return { kind: 'open', reason: `is open to others: ${others.join(', ')} may ${may}`, mend }
  }
  // In the profile no other user can have made it; elsewhere its owner may change the list.
  const owner = isInProfile(path, homeOf(process.env)) ? undefined : await ownerOf(path)
  return owner === undefined || isTrustedUser(owner, own)
    ? { kind: 'closed' }
    : {
        kind: 'open',
        reason: `belongs to another user (${owner})`,
        mend: `takeown /f ${quoted(path)}`,
      }
}

/** The state directory hands its list on to what is in it; the config is a file. */
function inheritanceOf(access: Access): string {
  return access === 'read' ? '(OI)(CI)' : ''
}

export function isInProfile(path: string, home: string): boolean {
  const way = win32.relative(home, path)
  // From one drive or machine to another there is no relative way.
  return way !== '' && !way.startsWith('..') && !win32.isAbsolute(way)
}

let ownSidQuery: Promise<string | undefined> | undefined

/** Who this user is, in any language; asked once in a process. */
export async function ownSid(): Promise<string | undefined> {
  ownSidQuery ??= runTool('whoami.exe', ['/user', '/fo', 'csv', '/nh'])
  const said = await ownSidQuery
  return said && sidIn(said)
}

async function listOf(path: string): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'evo-token-'))
  try {
    const file = join(directory, 'list')
    if ((await runTool('icacls.exe', [path, '/save', file, '/q'])) === undefined) return undefined
    return savedList(await readFile(file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** `icacls` does not show the owner, and `dir /q` cuts the name. The path is not a part of the script. */
async function ownerOf(path: string): Promise<string | undefined> {
  const script = '(Get-Acl -LiteralPath $env:EVO_TOKEN_PATH).Sddl'
  const line = ['-NoProfile', '-NonInteractive', '-Command', script]
  const said = await runTool(POWERSHELL, line, { ...process.env, EVO_TOKEN_PATH: path })
  return said && findOwnerSid(said)
}

async function runTool(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  try {
    return await runSystemProgram(program, args, { timeout: ACCESS_TIMEOUT_MS, env })
  } catch {
    // It is missing, not allowed, or failed: then the answer is not known.
    return undefined
  }
}
