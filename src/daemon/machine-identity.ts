/** What a vault is bound to, so that a copy of it on another machine is noticed. */
import { statSync } from 'node:fs'
import { hostname } from 'node:os'
import type { ShareSettings } from '../config/share-settings.ts'
import { platform } from '../platform/current.ts'

/**
 * The machine's id. A container has none: where sessions are shared, the keeper's name and the directory
 * on its volume are used instead. Null where there is neither.
 */
export async function identifyMachine(
  share: ShareSettings | undefined,
  stateDir: string,
): Promise<string | null> {
  const id = await platform.readMachineId()
  if (id !== null || !share) return id
  // A copy of the directory has another number, or was born at another time.
  const { ino, birthtimeNs } = statSync(stateDir, { bigint: true })
  return `${share.name ?? hostname()} ${ino} ${birthtimeNs}`
}
