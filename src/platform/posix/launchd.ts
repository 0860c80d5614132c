/**
 * The service under launchd on a Mac: a LaunchAgent of the user (launchd.plist(5), launchctl(1)).
 * It was never run on a Mac; the tests follow the manual page of launchctl.
 */
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SidecarError } from '../../errors.ts'
import { readInstalled } from '../installed-file.ts'
import { lastLinesOf } from '../last-lines.ts'
import {
  planFile,
  type ServiceDefinition,
  type ServiceManager,
  type ServicePlan,
  type ServicePlatform,
  type ServiceState,
} from '../service-manager.ts'
import { isXmlAsWritten } from '../service-xml.ts'
import { findPlaces, homeOf } from './locations.ts'
import { userId } from './ownership.ts'
import { configInAgent, fillAgent } from './property-list.ts'

const GONE_WITHIN_MS = 60_000
const UNLOAD_POLL_MS = 200

export const launchd: ServicePlatform = {
  optionFault({ system, group }) {
    if (system) return 'takes --system with systemd only: on a Mac the service is yours'
    return group === undefined ? undefined : 'takes --group with --system only'
  },
  find: async ({ env }) => createManager(env),
}

function createManager(env: NodeJS.ProcessEnv): ServiceManager {
  const home = homeOf(env)
  const path = join(home, 'Library/LaunchAgents/evo-token.plist')
  const log = join(home, 'Library/Logs/evo-token.log')
  // The agent's own paths: launchd passes it nothing of this shell's environment.
  const stateDir = env.EVO_TOKEN_STATE_DIR || undefined
  const places = findPlaces({ env: {}, home, flags: { stateDir } })
  // The user's session, and the agent in it.
  const domain = `gui/${userId()}`
  const target = `${domain}/evo-token`

  const installed = () => readInstalled(path, isXmlAsWritten)

  async function run(...args: readonly string[]): Promise<string> {
    try {
      return (await promisify(execFile)('launchctl', args, { env })).stdout
    } catch (cause) {
      const { stderr } = cause as { stderr?: string }
      if (stderr === undefined) throw cause
      throw new SidecarError('failed', `\`launchctl ${args.join(' ')}\` fails: ${stderr.trim()}`, {
        hint: 'Run it in a session on the Mac itself, as the user whose service it is.',
        cause,
      })
    }
  }

  /** The first level of `launchctl print`, such as `state = running`; undefined where the agent is not loaded. */
  async function readLoaded(): Promise<Readonly<Record<string, string>> | undefined> {
    const printed = await run('print', target).catch(() => undefined)
    if (printed === undefined) return undefined
    const found = printed.matchAll(/^\t(state|pid|runs|last exit code) = (.*)$/gm)
    return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, value]))
  }

  /** Stops the agent and waits until it is gone: `bootstrap` fails while it is still ending. */
  async function stop(): Promise<void> {
    if (!(await readLoaded())) return
    await run('bootout', target)
    const deadline = performance.now() + GONE_WITHIN_MS
    while ((await readLoaded()) && performance.now() < deadline) await sleep(UNLOAD_POLL_MS)
  }

  async function plan(definition: ServiceDefinition): Promise<ServicePlan> {
    const { program, options, readTemplate } = definition
    const text = fillAgent(readTemplate('launchd/evo-token.plist'), {
      command: [program.node, program.main, 'serve', ...options],
      log,
      program: program.digest,
    })
    const commands = [
      // Undoes a `disable` that a person typed.
      ['enable', target],
      ['bootstrap', domain, path],
    ]
    return {
      files: [planFile(installed(), text)],
      commands: commands.map((args) => `launchctl ${args.join(' ')}`),
      async start() {
        mkdirSync(dirname(log), { recursive: true })
        await stop()
        for (const args of commands) await run(...args)
      },
    }
  }

  async function state(): Promise<ServiceState> {
    const properties = await readLoaded()
    if (!properties) return { phase: 'absent', restarts: 0, properties: { state: 'not loaded' } }
    const { state, 'last exit code': exit = '(never exited)' } = properties
    const ended = exit !== '0' && /^\d/.test(exit)
    const phase = state === 'running' ? 'running' : ended ? 'failed' : 'starting'
    return { phase, restarts: Number(properties.runs ?? 0), properties }
  }

  return {
    socket: places.socket,
    stateDir: places.stateDir,
    environment: {},
    machineConfig: undefined,
    logCommand: `tail -f ${log}`,
    keepChanges: 'Keep a copy of your changes',
    requireRights: () => undefined,
    plan,
    installedFiles: () => [installed()],
    installedConfig: () => configInAgent(installed().text ?? ''),
    state,
    stop,
    forget: async () => undefined,
    logProgram: (follow) => ({
      file: 'tail',
      args: ['-n', '200', ...(follow ? ['-F'] : []), log],
    }),
    lastLog: async () => lastLinesOf(log),
    notes: () => [],
  }
}
