/**
 * Finds out whether a daemon that does not answer is busy, starting, or not there. Python's client does the same
 * (`_silence.py`).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { NetConnectOpts } from 'node:net'
import { endCommand, loadServices } from '../platform/chosen.ts'
import type { ServiceState } from '../platform/service-manager.ts'
import { EvoTokenError } from './failures.ts'
import { exchange, openSocket } from './wire.ts'

/** Between two checks whether the daemon is still there. */
const ALIVE_CHECK_MS = 3_000
/** The same while the service starts or stops, which usually takes a second. */
const LOOK_AGAIN_MS = 1_000
const ALIVE_WITHIN_MS = 3_000
const MANAGER_WITHIN_MS = 3_000

type Phase = ServiceState['phase']

/** What the service manager says of the service. */
type ServiceProgress = Pick<ServiceState, 'phase' | 'restarts'>

const UNKNOWN_PROGRESS: ServiceProgress = { phase: 'absent', restarts: 0 }

/** What is said while an answer can still come. */
const WAITING_WORDS: Readonly<Partial<Record<Phase, string>>> = {
  starting: 'The evo-token daemon is being started; waiting for it.',
  stopping: 'The evo-token daemon is being stopped or restarted; waiting for it.',
  running: 'The evo-token daemon is very slow to answer; waiting for it.',
}

export interface SilentDaemon {
  readonly target: NetConnectOpts
  readonly headers: Readonly<Record<string, string>>
  /** What was connected to, for people. */
  readonly place: string
  /** Whether it is the socket of the machine's service. */
  readonly isMachines: boolean
  /** The process of the daemon that listens there, where it is known and still runs. */
  readonly pid: number | undefined
  readonly env: NodeJS.ProcessEnv
  /** Tells a person what the client waits for. */
  readonly say: (text: string) => void
}

/**
 * Checks repeatedly until `signal` is aborted, which means that the answer has come.
 *
 * @throws {EvoTokenError} `not_running`, when no answer can be expected any more.
 */
export async function outlastSilence(silent: SilentDaemon, signal: AbortSignal): Promise<void> {
  const said = new Set<Phase>()
  let before: ServiceProgress | undefined
  while (!signal.aborted) {
    let pauseMs = ALIVE_CHECK_MS
    if (!(await isDaemonAlive(silent))) {
      const seen = await askServiceManager(silent)
      const phase = isFailing(before, seen) ? 'failed' : seen.phase
      const words = WAITING_WORDS[phase]
      if (isAborted(signal)) return
      if (words === undefined) throw notThere(silent, phase)
      if (!said.has(phase)) silent.say(words)
      said.add(phase)
      before = seen
      if (phase !== 'running') pauseMs = LOOK_AGAIN_MS
    }
    // Rejects when the answer comes, which the loop checks.
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}

/** A function, because the compiler assumes that a property keeps its value. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}

async function isDaemonAlive({ target, headers, place }: SilentDaemon): Promise<boolean> {
  const socket = await openSocket(target)
  if (typeof socket === 'string') return false
  const ask = { path: '/healthz', timeoutMs: ALIVE_WITHIN_MS }
  const { Host = 'localhost' } = headers
  const answer = await exchange({ socket, headers: { Host }, place }, ask)
  return typeof answer === 'object' && answer.status === 200
}

/** Whether the manager has started the service again since the last look, and it is not up: it fails each time. */
function isFailing(
  before: ServiceProgress | undefined,
  { phase, restarts }: ServiceProgress,
): boolean {
  return before !== undefined && phase === 'starting' && restarts > before.restarts
}

/** `absent` where there is no service manager, or none that answers. */
async function askServiceManager({ isMachines, env }: SilentDaemon): Promise<ServiceProgress> {
  const services = await loadServices()
  const asked = services
    // Only its state is asked for.
    .find({ system: isMachines, env, stopDaemon: async () => undefined })
    .then(async (manager): Promise<ServiceProgress> => manager.state())
    .catch(() => UNKNOWN_PROGRESS)
  return Promise.race([asked, sleep(MANAGER_WITHIN_MS, UNKNOWN_PROGRESS, { ref: false })])
}

function notThere({ place, pid }: SilentDaemon, phase: Phase): EvoTokenError {
  if (phase === 'failed') {
    const message = 'The evo-token service is installed, but its daemon does not start.'
    return new EvoTokenError('not_running', message, '`evo-token service status` shows why.')
  }
  if (pid !== undefined) {
    return new EvoTokenError(
      'not_running',
      `The evo-token daemon at ${place} gives no sign of life.`,
      `End its process (\`${endCommand(pid)}\`), then start it again with \`evo-token serve\`.`,
    )
  }
  return new EvoTokenError(
    'not_running',
    `What listens on ${place} gives no sign of life.`,
    'No daemon is known to listen there. Find out which program does, then start the daemon with `evo-token serve`.',
  )
}
