/** `service uninstall`: stops the service and removes its files. The vault stays, unless --purge is given. */
import { rmSync } from 'node:fs'
import type { Invocation } from '../command.ts'
import { refuseChangedByHand } from './changed-by-hand.ts'
import { findServiceManager } from './find-service-manager.ts'
import { removeState, requireVault } from './state-removal.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findServiceManager(invocation)
  manager.requireRights()
  const installed = manager.installedFiles().filter(({ text }) => text !== undefined)
  const purge = flag('purge')
  if (purge) requireVault(manager.stateDir)
  if (installed.length === 0 && !purge) {
    io.stderr.write(`${manager.otherSource?.() ?? 'No service is installed.'}\n`)
    return 0
  }
  if (!flag('force')) refuseChangedByHand(installed, manager)
  await manager.stop()
  for (const { path } of installed) {
    rmSync(path)
    io.stderr.write(`Removed ${path}.\n`)
  }
  await manager.forget()
  const other = manager.otherSource?.()
  if (other !== undefined) io.stderr.write(`${other}\n`)
  removeState(manager, purge, io)
  return 0
}
