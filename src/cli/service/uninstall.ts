/** `service uninstall`: stops the service and takes its units away. The vault stays. */
import { rmSync } from 'node:fs'
import { placesOf } from '../client.ts'
import type { Invocation } from '../command.ts'
import { changedByHand, findManager, installedUnit, requireRoot, UNITS } from './manager.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findManager(invocation)
  requireRoot(manager)
  const units = UNITS.map((name) => installedUnit(manager, name)).filter(
    ({ text }) => text !== undefined,
  )
  if (units.length === 0) {
    io.stderr.write('No service is installed: nothing to do.\n')
    return 0
  }
  const changed = units.find((unit) => unit.changedByHand)
  if (changed && !flag('force')) throw changedByHand(changed.path)
  await manager.run('disable', '--now', ...UNITS)
  for (const { path } of units) {
    rmSync(path)
    io.stderr.write(`Removed ${path}.\n`)
  }
  await manager.run('daemon-reload')
  const vault = manager.system ? '/var/lib/evo-token' : placesOf(invocation).stateDir
  io.stderr.write(`The vault stays, in ${vault}.\n`)
  return 0
}
