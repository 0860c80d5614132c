/** `service uninstall`: stops the service and takes its units away. The vault stays, if nobody says otherwise. */
import { rmSync } from 'node:fs'
import { placesOf } from '../../client/connection.ts'
import type { Invocation } from '../command.ts'
import { changedByHand, findManager, installedUnit, requireRoot, UNITS } from './manager.ts'
import { removeState, requireOurs } from './state-removal.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  if (process.platform === 'darwin') {
    return (await import('./launch-agent.ts')).uninstall(invocation)
  }
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
  removeState(stateDir, purge, io)
  // systemd's own link to it.
  if (purge && manager.system) rmSync(SYSTEM_STATE_LINK, { force: true })
  return 0
}

/** Where systemd keeps the state of a dynamic user (systemd.exec(5), DynamicUser=). */
const SYSTEM_STATE = '/var/lib/private/evo-token'
const SYSTEM_STATE_LINK = '/var/lib/evo-token'
