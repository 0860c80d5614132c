/** `service install`: writes the files of the service, starts it, and waits until the daemon answers. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { loadConfig } from '../../adapters/config/config-file.ts'
import { locations } from '../../platform/chosen.ts'
import type { Invocation } from '../command.ts'
import { findServiceManager } from './find-service-manager.ts'
import { refuseChangedByHand } from './changed-by-hand.ts'
import type { ServiceDefinition, ServiceManager } from '../../platform/service-manager.ts'
import { readTemplate, thisProgram } from './program.ts'
import { waitUntilServing } from './readiness.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findServiceManager(invocation)
  const plan = await manager.plan(await definitionFor(invocation, manager))
  const differing = plan.files.filter(({ differs }) => differs)
  if (flag('dry-run')) {
    for (const { path, text } of differing) io.stdout.write(`# ${path}\n${text}\n`)
    io.stdout.write(plan.commands.map((command) => `${command}\n`).join(''))
    return 0
  }
  manager.requireRights()
  if (differing.length === 0 && (await manager.state()).phase === 'running') {
    io.stderr.write('The service is already installed and running.\n')
    return 0
  }
  if (!flag('force')) refuseChangedByHand(differing, manager)
  for (const { path, text, encoding } of differing) {
    mkdirSync(dirname(path), { recursive: true })
    const written = encoding === undefined ? text : `\ufeff${text}`
    writeFileSync(`${path}.new`, written, { mode: 0o644, encoding })
    renameSync(`${path}.new`, path)
    io.stderr.write(`Wrote ${path}.\n`)
  }
  await plan.start()
  io.stderr.write(await waitUntilServing(manager))
  io.stderr.write(`Its log: ${manager.logCommand}\n`)
  for (const note of manager.notes()) io.stderr.write(`${note}\n`)
  return 0
}

async function definitionFor(
  { text, io }: Invocation,
  { machineConfig }: ServiceManager,
): Promise<ServiceDefinition> {
  const home = locations.homeOf(io.env)
  const usual = join(home, '.config/evo-token/config.json')
  const named = text('config')
  const path =
    machineConfig === undefined
      ? locations.configPath(named, io.env, home)
      : resolve(named ?? machineConfig)
  const { config } = await loadConfig(path)
  const stateDir = machineConfig === undefined ? io.env.EVO_TOKEN_STATE_DIR : undefined
  return {
    program: thisProgram(),
    options: [
      ...(machineConfig !== undefined || path !== usual ? ['--config', path] : []),
      ...(stateDir ? ['--state-dir', resolve(stateDir)] : []),
    ],
    listen: config.listen,
    apps: config.apps,
    keyIsCredential: config.vaultKey === 'credential',
    group: text('group'),
    readTemplate,
  }
}
