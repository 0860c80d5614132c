/**
 * Notifies a person that an app needs attention: by the configured command, or by a desktop
 * notification. A notice holds no secret, and a failure here does not stop the daemon.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { AttentionEvent } from '../../core/attention.ts'
import type { Log } from '../../core/ports.ts'
import type { DaemonProblem } from '../../core/daemon-problem.ts'
import { codeOf } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import type { Desktop } from '../../platform/platform.ts'

export type NotifierEvent = AttentionEvent

export interface Notifier {
  /** Why the last run of the configured command failed; undefined where it did not. */
  problem(): DaemonProblem | undefined
  /** Resolves when the notice was given, or has failed. @param apps one name, or several with blanks between. */
  notify(apps: string, event: NotifierEvent, hint: string): Promise<void>
}

export interface NotifyConfig {
  readonly command: readonly string[]
}

export interface NotifierWorld {
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
  /** The command for a desktop notification; by default this platform's. */
  readonly noticeCommand?: Desktop['noticeCommand']
  /** How long the command may take, in milliseconds. */
  readonly limitMs?: number
}

/** The least time between two notices, unless the config says otherwise. */
export const USUAL_EVERY_MS = 15 * 60_000

const LIMIT_MS = 10_000

/** What the service manager set for the daemon alone, not for programs that it starts. */
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
  const { env, log, noticeCommand = platform.desktop.noticeCommand } = world
  let problem: DaemonProblem | undefined

  return {
    problem: () => problem,
    async notify(apps, event, hint) {
      const command = config?.command ?? noticeCommand(hint, env)
      if (!command) return
      const passedOn = Object.entries(env).filter(([name]) => !NOT_PASSED_ON.includes(name))
      const failure = await runCommand(command, {
        limitMs: world.limitMs ?? LIMIT_MS,
        env: {
          ...Object.fromEntries(passedOn),
          EVO_TOKEN_APP: apps,
          EVO_TOKEN_EVENT: event,
          EVO_TOKEN_HINT: hint,
        },
      })
      problem = config && failure !== undefined ? toNotifyProblem(config, failure) : undefined
      if (failure === undefined) return
      const fields = { app: apps, event, command: command[0], failure }
      // Desktop notifications are not configured, so a failure of one is no fault.
      if (config) log.warn(fields, 'the notify command failed')
      else log.debug(fields, 'no desktop notification')
    },
  }
}

function toNotifyProblem(
  { command: [program = ''] }: NotifyConfig,
  failure: string,
): DaemonProblem {
  return {
    error: 'notify_failed',
    message: `The notify command ${program} failed: ${failure}.`,
    hint: 'Correct the command, or correct "notify" in the config and restart the daemon. Until then you get no notices.',
  }
}

/** Resolves with why it failed; undefined where it did not. */
async function runCommand(
  [name = '', ...args]: readonly string[],
  { env, limitMs }: { readonly env: NodeJS.ProcessEnv; readonly limitMs: number },
): Promise<string | undefined> {
  const program = platform.programFor(name, env)
  if (program === undefined) return 'ENOENT'
  let child: ChildProcess
  try {
    child = spawn(program, args, { env, stdio: 'ignore' })
  } catch (error) {
    // Some reasons why a program cannot be started are thrown, and make no event: ENOTDIR, E2BIG.
    const code = codeOf(error)
    if (code === undefined) throw error
    return code
  }
  return new Promise((resolve) => {
    // The timeout option of `spawn` would keep running, and Node with it, where the program cannot start.
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
