/** `service uninstall --purge`: removes the state directory of evo-token, never another directory behind a link. */
import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import type { Io } from '../io.ts'
import type { ServiceManager } from '../../platform/service-manager.ts'

/** @throws {SidecarError} `failed` where it holds no vault of evo-token. */
export function requireVault(stateDir: string): void {
  const directory = lstatSync(stateDir, { throwIfNoEntry: false })
  const header = lstatSync(join(stateDir, 'vault/vault.json'), { throwIfNoEntry: false })
  if (directory?.isDirectory() && header?.isFile()) return
  throw new SidecarError(
    'failed',
    `${stateDir} contains no vault of evo-token: nothing was removed.`,
    {
      hint: 'Leave out --purge, or set EVO_TOKEN_STATE_DIR to the directory with which the service was installed.',
    },
  )
}

/** Removes the state directory if `purge` is set; prints which of both was done. */
export function removeState(
  { stateDir, stateLink }: Pick<ServiceManager, 'stateDir' | 'stateLink'>,
  purge: boolean,
  { stderr }: Pick<Io, 'stderr'>,
): void {
  if (purge) {
    rmSync(stateDir, { recursive: true })
    if (stateLink !== undefined) rmSync(stateLink, { force: true })
  }
  stderr.write(
    purge ? `Removed ${stateDir}, with the vault in it.\n` : `The vault stays in ${stateDir}.\n`,
  )
}
