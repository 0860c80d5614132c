/**
 * Tells a person that an app needs one: by the configured command, else by a desktop notification
 * where there is a desktop. Nothing secret is told, and nothing that happens here stops the daemon.
 */
import { spawn } from 'node:child_process'
import type { AttentionEvent } from '../core/attention.ts'
import type { Clock, Log } from '../core/ports.ts'
import type { DaemonProblem } from '../core/daemon-problem.ts'
import { platform } from '../platform/current.ts'
import type { Desktop } from '../platform/platform.ts'

export type NotifierEvent = AttentionEvent

export interface Notifier {
  /** What kept the configured command from telling a person last; undefined where it did not fail. */
  problem(): DaemonProblem | undefined
  /** Resolves when the person was told, or could not be. */
  tell(app: string, event: NotifierEvent, hint: string): Promise<void>
}

export interface NotifyConfig {
  readonly command: readonly string[]
  /** The least time between two notices of the same event of the same app. */
  readonly everyMs: number
}

export interface NotifierWorld {
  readonly clock: Clock
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  /** How the desktop is told; that of this platform unless it is given. */
  readonly noticeCommand?: Desktop['noticeCommand']
  /** How long the command may take. */
  readonly limitMs?: number
}

const USUAL_EVERY_MS = 15 * 60_000
const LIMIT_MS = 10_000

/** The service manager's business with us, not with what we start. */
const NOT_PASSED_ON = [
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
  'CREDENTIALS_DIRECTORY',
]

export function createNotifier(config: NotifyConfig | undefined, world: NotifierWorld): Notifier {
  const { clock, env, log, noticeCommand = platform.desktop.noticeCommand } = world
  const everyMs = config?.everyMs ?? USUAL_EVERY_MS
  const toldAt = new Map<string, number>()
  let problem: DaemonProblem | undefined

  /** Whether this notice is the first one in a while; then it counts as told. */
  function isDue(app: string, event: NotifierEvent): boolean {
    const { mono } = clock.read()
    const before = toldAt.get(`${app} ${event}`)
    if (before !== undefined && mono - before < everyMs) return false
    toldAt.set(`${app} ${event}`, mono)
    return true
  }

  return {
    problem: () => problem,
    async tell(app, event, hint) {
      const command = config?.command ?? noticeCommand(hint, env)
      if (!command || !isDue(app, event)) return
      const passedOn = Object.entries(env).filter(([name]) => !NOT_PASSED_ON.includes(name))
      const failure = await runCommand(command, {
        limitMs: world.limitMs ?? LIMIT_MS,
        env: {
          ...Object.fromEntries(passedOn),
          EVO_TOKEN_APP: app,
          EVO_TOKEN_EVENT: event,
          EVO_TOKEN_HINT: hint,
        },
      })
      problem = config && failure !== undefined ? failed(config, failure) : undefined
      if (failure === undefined) return
      const fields = { app, event, command: command[0], failure }
      // The config asks for no notice of the desktop: one that does not come is no fault.
      if (config) log.warn(fields, 'the notify command failed')
      else log.debug(fields, 'no desktop notification')
    },
  }
}

function failed({ command: [program = ''] }: NotifyConfig, failure: string): DaemonProblem {
  return {
    error: 'notify_failed',
    message: `The notify command ${program} failed: ${failure}.`,
    hint: 'Correct the command, or "notify" in the config and start the daemon again: until then no notice is given.',
  }
}

/** Why it failed, if it did. */
async function runCommand(
  [program = '', ...args]: readonly string[],
  { env, limitMs }: { readonly env: NodeJS.ProcessEnv; readonly limitMs: number },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: 'ignore' })
    // The time limit that `spawn` knows runs on where the program cannot be started, and with it we.
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
    const settle = (failure: string | undefined) => {
      clearTimeout(limit)
      resolve(failure)
    }
    child.once('error', ({ code = 'error' }: NodeJS.ErrnoException) => {
      settle(code)
    })
    child.once('exit', (code, signal) => {
      if (code === 0) settle(undefined)
      else settle(code === null ? `ended by ${signal ?? 'a signal'}` : `exit code ${code}`)
    })
  })
}
