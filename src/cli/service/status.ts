/** `service status`: the state of the service, from the service manager and from the daemon. */
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { findServiceManager } from './find-service-manager.ts'
import { describeReadiness, fetchReadiness } from './readiness.ts'

/** The exit code of a daemon that is not reachable. */
const NOT_REACHABLE = 4

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findServiceManager(invocation)
  const { phase, properties } = await manager.state()
  const files = manager.installedFiles().map(({ path, text, changedByHand }) => ({
    path,
    state: text === undefined ? 'absent' : changedByHand ? 'changed by hand' : 'as written',
  }))
  const apps = phase === 'running' ? await fetchReadiness(manager) : undefined
  if (flag('json')) {
    const daemon = { reachable: apps !== undefined, apps: apps ?? null }
    io.stdout.write(`${JSON.stringify({ unit: properties, files, daemon })}\n`)
  } else {
    for (const [name, value] of Object.entries(properties)) {
      io.stdout.write(`${`${name}:`.padEnd(22)} ${plain(value)}\n`)
    }
    for (const { path, state } of files) io.stdout.write(`${path}: ${state}\n`)
    io.stdout.write(apps ? describeReadiness(apps) : 'The daemon does not answer.\n')
  }
  return apps ? 0 : NOT_REACHABLE
}
