/** `service uninstall --purge`: removes a state directory of ours and nothing else, not even through a link. */
import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import type { Io } from '../io.ts'
import type { ServiceManager } from '../../platform/service-manager.ts'

/** @throws {SidecarError} `failed` where it holds no vault of ours. */
export function requireOurs(stateDir: string): void {
  const directory = lstatSync(stateDir, { throwIfNoEntry: false })
  const header = lstatSync(join(stateDir, 'vault/vault.json'), { throwIfNoEntry: false })
  if (directory?.isDirectory() && header?.isFile()) return
  throw new SidecarError(
    'failed',
    `${stateDir} holds no vault of evo-token: nothing was removed.`,
    {
      hint: 'Leave --purge out; or name the directory with EVO_TOKEN_STATE_DIR, as the service was installed with it.',
    },
  )
}

/** Removes it where that is wished for, and says what became of it. */
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
    purge ? `Removed ${stateDir}, with the vault in it.\n` : `The vault stays, in ${stateDir}.\n`,
  )
}
