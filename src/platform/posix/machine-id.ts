/**
 * Identifies this machine, so that a vault on a copied disk or a shared home directory is noticed.
 * The id is confidential (machine-id(5)): the vault keeps a keyed hash of it.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'

const MACHINE_ID_PATHS = ['/etc/machine-id', '/var/lib/dbus/machine-id']

/** By machine-id(5); null where there is none. */
export function readMachineId(paths: readonly string[] = MACHINE_ID_PATHS): string | null {
  for (const path of paths) {
    // During the first boot it is "uninitialized".
    const id = readIfThere(path)?.trim()
    if (id !== undefined && /^[0-9a-f]{32}$/.test(id)) return id
  }
  return null
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The id of a Mac; null where ioreg does not show it. */
export async function readPlatformUuid(): Promise<string | null> {
  const query = ['-rd1', '-c', 'IOPlatformExpertDevice']
  const answer = await promisify(execFile)('/usr/sbin/ioreg', query).catch(() => undefined)
  return answer ? parsePlatformUuid(answer.stdout) : null
}

export function parsePlatformUuid(ioreg: string): string | null {
  return /"IOPlatformUUID"\s*=\s*"([0-9A-F-]+)"/i.exec(ioreg)?.[1] ?? null
}
