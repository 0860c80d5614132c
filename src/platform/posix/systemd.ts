/** The service under systemd, the machine's or the user's: its units and calls of systemctl. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SidecarError } from '../../errors.ts'
import {
  planFile,
  type ServiceDefinition,
  type ServiceManager,
  type ServiceScope,
  type ServicePlan,
  type ServicePlatform,
} from '../service-manager.ts'
import { findPlaces, homeOf } from './locations.ts'
import { MACHINE_SOCKET } from './owner-endpoint.ts'
import { isRoot } from './ownership.ts'
import { makeVaultKey } from './systemd-credentials.ts'
import { parseState, SHOW_PROPERTIES } from './systemd-state.ts'
import { environmentFor, readSurroundings, type Surroundings } from './systemd-surroundings.ts'
import {
  configInUnit,
  fillingOf,
  fillService,
  fillSocket,
  readInstalledUnit,
  isPackaged,
  SERVICE_UNIT,
  SOCKET_UNIT,
  unitInForce,
} from './systemd-units.ts'

const UNIT_NAMES = [SOCKET_UNIT, SERVICE_UNIT]

/** Where systemd keeps the state of a dynamic user (systemd.exec(5), DynamicUser=), and its link to it. */
const MACHINE_STATE = '/var/lib/private/evo-token'
const MACHINE_STATE_LINK = '/var/lib/evo-token'

export const systemd: ServicePlatform = {
  optionFault: ({ system, group }) =>
    group !== undefined && !system ? 'takes --group with --system only' : undefined,
  async find(options) {
    if (!existsSync('/run/systemd/system')) {
      throw new SidecarError('failed', 'This machine does not run systemd.', {
        hint: 'Let the service manager of this machine run `evo-token serve`.',
      })
    }
    const surroundings = await readSurroundings(options).catch((cause: unknown) => {
      throw new SidecarError('failed', `${systemctlOf(options.system)} does not reach systemd.`, {
        cause,
        hint: options.system
          ? 'See `systemctl status`.'
          : 'Log in on the machine itself or by ssh, not with su or sudo; or let root run `loginctl enable-linger` for you.',
      })
    })
    return createManager(options, surroundings)
  },
}

/** Whether the user's services go on without a session. */
function lingers(): boolean {
  try {
    return existsSync(`/var/lib/systemd/linger/${userInfo().username}`)
  } catch {
    // The user is in no user database, and systemd keeps a user by name.
    return false
  }
}

function systemctlOf(system: boolean): string {
  return system ? 'systemctl' : 'systemctl --user'
}

/**
 * Arguments of journalctl. The last lines of a person's service that ends at once may belong to no unit:
 * the process is gone when the journal looks for its control group (systemd/systemd#2913). What they
 * have is the unit's SyslogIdentifier= (systemd.exec(5)).
 */
function linesOfService(system: boolean): readonly string[] {
  if (system) return ['-u', 'evo-token']
  return [
    `_SYSTEMD_USER_UNIT=${SERVICE_UNIT}`,
    '+',
    `USER_UNIT=${SERVICE_UNIT}`,
    '+',
    'SYSLOG_IDENTIFIER=evo-token',
  ]
}

function createManager(
  { system, env: given }: ServiceScope,
  { directory, environment }: Surroundings,
): ServiceManager {
  const env = environmentFor({ system, env: given })
  const runtime = env.XDG_RUNTIME_DIR ?? ''
  const logCommand = `journalctl ${system ? '' : '--user '}-u evo-token`
  const systemctl = systemctlOf(system)
  const scope = system ? [] : ['--user']
  const journal = [...scope, ...linesOfService(system), '-o', 'cat', '--no-pager']

  async function call(file: string, args: readonly string[]): Promise<string> {
    return (await promisify(execFile)(file, args, { env })).stdout
  }

  async function run(...args: readonly string[]): Promise<string> {
    try {
      return await call('systemctl', [...scope, ...args])
    } catch (cause) {
      const { stderr } = cause as { stderr?: string }
      if (stderr === undefined) throw cause
      throw new SidecarError(
        'failed',
        `\`${systemctl} ${args.join(' ')}\` fails: ${stderr.trim()}`,
        {
          hint: 'If an address is in use, stop the `evo-token serve` that was started by hand, or set another "listen.port" in the config. Then try again.',
          cause,
        },
      )
    }
  }

  const installedFiles = () => UNIT_NAMES.map((name) => readInstalledUnit(directory, name))

  async function plan(definition: ServiceDefinition): Promise<ServicePlan> {
    const keyIsCredential = system && definition.keyIsCredential
    const filling = await fillingOf(definition, { system, env, directory, keyIsCredential })
    const [socket, service] = [SOCKET_UNIT, SERVICE_UNIT].map((name) => {
      const template = definition.readTemplate(`systemd/${system ? 'system' : 'user'}/${name}`)
      const fill = name === SOCKET_UNIT ? fillSocket : fillService
      return planFile(unitInForce(directory, name, system), fill(template, filling))
    })
    if (!socket || !service) throw new Error('each unit has a plan')
    const commands = [
      'daemon-reload',
      `enable ${UNIT_NAMES.join(' ')}`,
      // systemd does not change the socket of a running service.
      ...(socket.differs ? [`stop ${SERVICE_UNIT}`, `restart ${SOCKET_UNIT}`] : []),
      `--no-block restart ${SERVICE_UNIT}`,
    ]
    return {
      files: [socket, service],
      commands: commands.map((one) => `${systemctl} ${one}`),
      async start() {
        if (keyIsCredential) makeVaultKey()
        for (const command of commands) await run(...command.split(' '))
      },
    }
  }

  return {
    socket: system ? MACHINE_SOCKET : join(runtime, 'evo-token/owner.sock'),
    ...(system
      ? { stateDir: MACHINE_STATE, stateLink: MACHINE_STATE_LINK }
      : { stateDir: findPlaces({ env: given, home: homeOf(given), flags: {} }).stateDir }),
    environment,
    machineConfig: system ? '/etc/evo-token/config.json' : undefined,
    logCommand,
    keepChanges: 'Put your changes into a drop-in (`systemctl edit`)',
    requireRights() {
      if (!system || isRoot()) return
      throw new SidecarError('failed', 'Only root may use `--system`, which changes the machine.', {
        hint: 'Run it with sudo.',
      })
    },
    plan,
    installedFiles,
    installedConfig: () => configInUnit(readInstalledUnit(directory, SERVICE_UNIT).text ?? ''),
    state: async () => parseState(await run('show', SHOW_PROPERTIES, SERVICE_UNIT)),
    async stop() {
      const installed = installedFiles().some(({ text }) => text !== undefined)
      if (installed) await run('disable', '--now', ...UNIT_NAMES)
    },
    async forget() {
      await run('daemon-reload')
    },
    logProgram: (follow) => ({
      file: 'journalctl',
      args: [...journal, '-n', '200', ...(follow ? ['-f'] : [])],
    }),
    lastLog: () => call('journalctl', [...journal, '-n', '20']).catch(() => ''),
    otherSource: () =>
      system && isPackaged()
        ? 'The evo-token package has units of its own: `systemctl enable --now evo-token.socket evo-token.service` runs those, `apt remove evo-token` removes them.'
        : undefined,
    notes() {
      if (system && isPackaged() && installedFiles().some(({ text }) => text !== undefined)) {
        return [
          'Units in /etc/systemd/system take precedence over those that the evo-token package brings. `evo-token service uninstall --system` goes back to those.',
        ]
      }
      return system || lingers()
        ? []
        : ['It stops when your last session ends. To keep it running: loginctl enable-linger']
    },
  }
}
