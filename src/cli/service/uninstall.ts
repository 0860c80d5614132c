/** `service uninstall`: stops the service and takes its units away. The vault stays, if nobody says otherwise. */
import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { placesOf } from '../../client/connection.ts'
import type { Invocation } from '../command.ts'
import { changedByHand, findManager, installedUnit, requireRoot, UNITS } from './manager.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findManager(invocation)
  requireRoot(manager)
  const units = UNITS.map((name) => installedUnit(manager, name)).filter(
    ({ text }) => text !== undefined,
  )
  const stateDir = manager.system ? SYSTEM_STATE : placesOf(invocation.place).stateDir
  const purge = flag('purge')
  if (purge) requireOurs(stateDir)
  if (units.length === 0 && !purge) {
    io.stderr.write('No service is installed: nothing to do.\n')
    return 0
  }
  const changed = units.find((unit) => unit.changedByHand)
  if (changed && !flag('force')) throw changedByHand(changed.path)
  if (units.length > 0) await manager.run('disable', '--now', ...UNITS)
  for (const { path } of units) {
    rmSync(path)
    io.stderr.write(`Removed ${path}.\n`)
  }
  await manager.run('daemon-reload')
  if (!purge) {
    io.stderr.write(`The vault stays, in ${stateDir}.\n`)
    return 0
  }
  rmSync(stateDir, { recursive: true })
  // systemd's own link to it.
  if (manager.system) rmSync(SYSTEM_STATE_LINK, { force: true })
  io.stderr.write(`Removed ${stateDir}, with the vault in it.\n`)
  return 0
}

/** Where systemd keeps the state of a dynamic user (systemd.exec(5), DynamicUser=). */
const SYSTEM_STATE = '/var/lib/private/evo-token'
const SYSTEM_STATE_LINK = '/var/lib/evo-token'

/** Nothing is removed but a directory of ours, and not what a link leads to. */
function requireOurs(stateDir: string): void {
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
