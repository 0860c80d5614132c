/** `service install`: writes the files of the service, starts it, and waits until the daemon answers. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { findOwnFile } from '../../adapters/files/own-file.ts'
import { loadConfig } from '../../adapters/config/config-file.ts'
import { locations } from '../../platform/chosen.ts'
import type { Invocation } from '../command.ts'
import { findServiceManager } from './find-service-manager.ts'
import { refuseChangedByHand } from './changed-by-hand.ts'
import type { ServiceDefinition, ServiceManager } from '../../platform/service-manager.ts'
import { placeNotes, refuseFleeting } from './program-place.ts'
import { readTemplate, thisProgram } from './program.ts'
import { waitUntilServing } from './readiness.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findServiceManager(invocation)
  const definition = await definitionFor(invocation, manager)
  refuseFleeting(definition.program)
  const plan = await manager.plan(definition)
  const notes = placeNotes(definition.program)
  const differing = plan.files.filter(({ differs }) => differs)
  if (flag('dry-run')) {
    for (const { path, text } of differing) io.stdout.write(`# ${path}\n${text}\n`)
    io.stdout.write(plan.commands.map((command) => `${command}\n`).join(''))
    for (const note of notes) io.stderr.write(`${note}\n`)
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
  for (const note of [...notes, ...manager.notes()]) io.stderr.write(`${note}\n`)
  return 0
}

async function definitionFor(
  { text, io }: Invocation,
  { environment, machineConfig, stateDir }: ServiceManager,
): Promise<ServiceDefinition> {
  const home = locations.homeOf(io.env)
  const isUsers = machineConfig === undefined
  const named = text('config')
  const path = isUsers ? locations.configPath(named, io.env, home) : resolve(named ?? machineConfig)
  const { config } = await loadConfig(path)
  // Usual places are left out, so that the units are the same wherever `install` runs.
  const isConfigUsual = isUsers && path === locations.configPath(undefined, environment, home)
  const usual = locations.findPlaces({ env: environment, home, flags: {} })
  const isStateUsual = !isUsers || stateDir === usual.stateDir
  const directories = await Promise.all(config.files.map((file) => directoryOf(file.path)))
  return {
    program: thisProgram(),
    options: [
      ...(isConfigUsual ? [] : ['--config', path]),
      ...(isStateUsual ? [] : ['--state-dir', stateDir]),
    ],
    listen: config.listen,
    apps: config.apps,
    keyIsCredential: config.vaultKey === 'credential',
    group: text('group'),
    files: [path, ...(config.ca === undefined ? [] : [config.ca])],
    stateDir,
    writable: [...new Set(directories)].sort(),
    readTemplate,
  }
}

/** The directory of a token file, with links followed; it need not exist yet. */
async function directoryOf(path: string): Promise<string> {
  const found = await findOwnFile(path).catch(() => undefined)
  return dirname(found?.path ?? path)
}
