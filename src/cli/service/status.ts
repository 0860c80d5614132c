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

/** Why a daemon may not run: the fault of its config, and the last lines of its log. */
interface WhyNot {
  readonly config: Pick<SidecarError, 'message' | 'hint'> | null
  /** Empty for no log. */
  readonly log: string
}

async function findWhyNot(manager: ServiceManager, { env }: Io): Promise<WhyNot> {
  const home = locations.homeOf(env)
  const named = manager.installedConfig() ?? manager.machineConfig
  const path = named ?? locations.configPath(undefined, env, home)
  const config = await loadConfig(path).then(
    () => null,
    (error: unknown) => {
      if (error instanceof SidecarError) return { message: error.message, hint: error.hint }
      throw error
    },
  )
  return { config, log: (await manager.lastLog()).trim() }
}

function describeWhyNot({ config, log }: WhyNot, system: boolean): string {
  const fault = config ? `The config is not usable:\n${config.message}\n${config.hint}\n` : ''
  const shown = `evo-token logs${system ? ' --system' : ''}`
  const said = log && `The last lines of its log (\`${shown}\` shows more):\n${log}\n`
  return `${fault}${said}`.split('\n').map(plain).join('\n')
}

export async function run(invocation: Invocation): Promise<number> {
  const { flag, io } = invocation
  const manager = await findServiceManager(invocation)
  const { phase, properties } = await manager.state()
  const files = manager.installedFiles().map(({ path, text, changedByHand }) => ({
    path,
    state: text === undefined ? 'absent' : changedByHand ? 'changed by hand' : 'as written',
  }))
  const apps = phase === 'running' ? await fetchReadiness(manager) : undefined
  const fault = apps || phase === 'absent' ? undefined : await findWhyNot(manager, io)
  if (flag('json')) {
    const { config = null, log = '' } = fault ?? {}
    const logLines = log === '' ? [] : log.split('\n')
    const daemon = {
      reachable: apps !== undefined,
      apps: apps ?? null,
      config_fault: config,
      log: logLines,
    }
    io.stdout.write(`${JSON.stringify({ unit: properties, files, daemon })}\n`)
  } else {
    for (const [name, value] of Object.entries(properties)) {
      io.stdout.write(`${`${name}:`.padEnd(22)} ${plain(value)}\n`)
    }
    for (const { path, state } of files) io.stdout.write(`${path}: ${state}\n`)
    const silent =
      phase === 'absent' ? 'No service is installed.\n' : 'The daemon does not answer.\n'
    io.stdout.write(apps ? describeReadiness(apps) : silent)
    if (fault) io.stdout.write(describeWhyNot(fault, flag('system')))
  }
  return apps ? 0 : NOT_REACHABLE
}
