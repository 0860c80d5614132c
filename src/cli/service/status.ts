/** `service status`: the state of the service, from the service manager and from the daemon. */
import { loadConfig } from '../../adapters/config/config-file.ts'
import { SidecarError } from '../../errors.ts'
import { locations } from '../../platform/chosen.ts'
import type { ServiceManager } from '../../platform/service-manager.ts'
import type { Io } from '../io.ts'
import type { Invocation } from '../command.ts'
import { plain } from '../plain.ts'
import { findServiceManager } from './find-service-manager.ts'
import { describeReadiness, fetchReadiness } from './readiness.ts'

/** The exit code of a daemon that is not reachable. */
const NOT_REACHABLE = 4

/** What is wrong with the config, and what the daemon has logged last. */
async function whyNot(
  { machineConfig, lastLog, logCommand }: ServiceManager,
  files: readonly { readonly text: string | undefined }[],
  { env }: Io,
): Promise<string> {
  const home = locations.homeOf(env)
  const named = configNamedIn(files.map(({ text = '' }) => text).join('\n'))
  const path = named ?? machineConfig ?? locations.configPath(undefined, env, home)
  const fault = await loadConfig(path).then(
    () => '',
    (error: unknown) => {
      if (error instanceof SidecarError)
        return `The config is not usable:\n${error.message}\n${error.hint}\n`
      throw error
    },
  )
  const said = (await lastLog()).trim()
  const log =
    said === '' ? '' : `The last lines of its log (\`${logCommand}\` shows all):\n${said}\n`
  return `${fault}${log}`.split('\n').map(plain).join('\n')
}

/** `--config` of the command in a unit or an agent. */
function configNamedIn(text: string): string | undefined {
  return /--config"?(?: |<\/string>\s*<string>)"?([^"<\n]+?)"?(?:\s--|<|"|$)/m.exec(text)?.[1]
}

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findServiceManager(invocation)
  const { phase, properties } = await manager.state()
  const files = manager.installedFiles().map(({ path, text, changedByHand }) => ({
    path,
    text,
    state: text === undefined ? 'absent' : changedByHand ? 'changed by hand' : 'as written',
  }))
  const apps = phase === 'running' ? await fetchReadiness(manager) : undefined
  if (flag('json')) {
    const shown = files.map(({ path, state }) => ({ path, state }))
    const daemon = { reachable: apps !== undefined, apps: apps ?? null }
    io.stdout.write(`${JSON.stringify({ unit: properties, files: shown, daemon })}\n`)
  } else {
    for (const [name, value] of Object.entries(properties)) {
      io.stdout.write(`${`${name}:`.padEnd(22)} ${plain(value)}\n`)
    }
    for (const { path, state } of files) io.stdout.write(`${path}: ${state}\n`)
    io.stdout.write(apps ? describeReadiness(apps) : 'The daemon does not answer.\n')
    if (!apps && phase !== 'absent') io.stdout.write(await whyNot(manager, files, io))
  }
  return apps ? 0 : NOT_REACHABLE
}
