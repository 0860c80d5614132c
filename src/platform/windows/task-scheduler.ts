/** The service on Windows: a task of this user at log-on, which the Task Scheduler runs. */
import { join } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { readInstalled } from '../installed-file.ts'
import { lastLinesOf } from '../last-lines.ts'
import {
  planFile,
  type ServiceDefinition,
  type ServiceManager,
  type ServiceOptions,
  type ServicePlan,
  type ServicePlatform,
  type ServiceState,
} from '../service-manager.ts'
import { isXmlAsWritten } from '../service-xml.ts'
import { ownSid } from './access.ts'
import { homeOf, locations } from './for-clients.ts'
import { quoted } from './quoted.ts'
import { configInTask, fillTask } from './task-xml.ts'
import { runSystemProgram } from './run-program.ts'
import { POWERSHELL, systemProgram } from './system-program.ts'

const TASK_NAME = 'evo-token'

/** `SCHED_S_TASK_RUNNING` and `SCHED_S_TASK_HAS_NOT_RUN` ([MS-TSCH] 2.3): the words beside them are translated. */
const TASK_RUNNING = '267009'
const NEVER_RAN = '267011'

export const taskScheduler: ServicePlatform = {
  optionFault({ system, group }) {
    if (system) return 'takes --system with systemd only: on Windows the service is yours'
    return group === undefined ? undefined : 'takes --group with --system only'
  },
  find: async (options) => Promise.resolve(createManager(options)),
}

function createManager({ env, stopDaemon }: ServiceOptions): ServiceManager {
  const stateDir = env.EVO_TOKEN_STATE_DIR || undefined
  const places = locations.findPlaces({ env, home: homeOf(env), flags: { stateDir } })
  const path = join(places.stateDir, 'service.xml')
  const log = join(places.stateDir, 'daemon.log')

  const installed = () => readInstalled(path, isXmlAsWritten, 'utf16le')

  async function run(...args: readonly string[]): Promise<string> {
    try {
      return await runSystemProgram('schtasks.exe', args, { env })
    } catch (cause) {
      const { stderr } = cause as { stderr?: string }
      if (stderr === undefined) throw cause
      throw new SidecarError('failed', `\`schtasks ${args.join(' ')}\` fails: ${stderr.trim()}`, {
        hint: 'See the Task Scheduler; a policy of the organization may forbid tasks.',
        cause,
      })
    }
  }

  async function state(): Promise<ServiceState> {
    const query = ['/query', '/tn', TASK_NAME, '/v', '/fo', 'csv', '/nh']
    const said = await run(...query).catch(() => undefined)
    if (said === undefined) {
      return { phase: 'absent', restarts: 0, properties: { task: 'not installed' } }
    }
    // The same columns in every language.
    const [, name = '', next = '', status = '', , last = '', result = ''] = columnsOf(said)
    const phase =
      result === TASK_RUNNING ? 'running' : /^(0|267011)$/.test(result) ? 'starting' : 'failed'
    const shown = result === NEVER_RAN ? 'has not run yet' : result
    const properties = { name, status, lastRun: last, lastResult: shown, nextRun: next }
    // The Task Scheduler does not count them.
    return { phase, restarts: 0, properties }
  }

  async function stop(): Promise<void> {
    if ((await state()).properties.task !== undefined) return
    // Otherwise the task would start the next one meanwhile.
    await run('/change', '/tn', TASK_NAME, '/disable')
    await stopDaemon()
    await run('/end', '/tn', TASK_NAME)
  }

  async function plan(definition: ServiceDefinition): Promise<ServicePlan> {
    const user = await ownSid()
    if (user === undefined) {
      throw new SidecarError('failed', '`whoami /user` does not say who this user is.', {
        hint: 'Let a task at log-on of your own run `evo-token serve`.',
      })
    }
    const { program, options, readTemplate } = definition
    const conhost = systemProgram('conhost.exe', env)
    const serve = ['serve', ...options, '--log-file', log]
    const text = fillTask(readTemplate('windows/evo-token.xml'), {
      user,
      command: [conhost, '--headless', program.node, program.main, ...serve],
      program: program.digest,
    })
    const commands = [
      ['/create', '/tn', TASK_NAME, '/xml', path, '/f'],
      ['/run', '/tn', TASK_NAME],
    ]
    return {
      files: [{ ...planFile(installed(), text), encoding: 'utf16le' }],
      commands: commands.map((args) => `schtasks ${args.map(quoted).join(' ')}`),
      async start() {
        await stop()
        for (const args of commands) await run(...args)
      },
    }
  }

  return {
    socket: undefined,
    stateDir: places.stateDir,
    // A task gets the environment of the log-on, and nothing of this shell's.
    environment: atLogOn(env),
    machineConfig: undefined,
    logCommand: `Get-Content -Wait ${quoted(log)}`,
    keepChanges: 'Keep a copy of your changes',
    requireRights: () => undefined,
    plan,
    installedFiles: () => [installed()],
    installedConfig: () => configInTask(installed().text ?? ''),
    state,
    stop,
    async forget() {
      await run('/delete', '/tn', TASK_NAME, '/f').catch(() => undefined)
    },
    logProgram: (follow) => ({
      file: systemProgram(POWERSHELL, env),
      args: [
        ...['-NoProfile', '-NonInteractive', '-Command'],
        `Get-Content -Tail 200 -Encoding UTF8${follow ? ' -Wait' : ''} -LiteralPath '${log.replaceAll("'", "''")}'`,
      ],
    }),
    lastLog: async () => Promise.resolve(lastLinesOf(log)),
    notes: () => [
      'It starts when you log on, and again within a minute when it ends. Windows ends it when you log off.',
    ],
  }
}

function columnsOf(csv: string): string[] {
  const [line = ''] = csv.trim().split(/\r?\n/)
  return [...line.matchAll(/"([^"]*)"/g)].map(([, value = '']) => value)
}

function atLogOn({ APPDATA, LOCALAPPDATA }: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return { ...(APPDATA && { APPDATA }), ...(LOCALAPPDATA && { LOCALAPPDATA }) }
}
