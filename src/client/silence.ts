/**
 * A daemon that was asked and says nothing: is it busy, starting, or not there at all? Python's client
 * does the same (`_silence.py`).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { NetConnectOpts } from 'node:net'
import { endCommand, loadServices } from '../platform/chosen.ts'
import type { ServiceState } from '../platform/service-manager.ts'
import { EvoTokenError } from './failures.ts'
import { exchange, openSocket } from './wire.ts'

/** Between two looks whether it is still there. */
const LOOK_EVERY_MS = 3_000
/** While the service starts or stops, which takes a second as a rule. */
const LOOK_AGAIN_MS = 1_000
const ALIVE_WITHIN_MS = 3_000
const MANAGER_WITHIN_MS = 3_000

type Phase = ServiceState['phase']

/** What the service manager says of the service. */
type Seen = Pick<ServiceState, 'phase' | 'restarts'>

const UNKNOWN: Seen = { phase: 'absent', restarts: 0 }

/** What is said while an answer is still to be expected. */
const WAITING: Readonly<Partial<Record<Phase, string>>> = {
  starting: 'The evo-token daemon is being started; waiting for it.',
  stopping: 'The evo-token daemon is being stopped or restarted; waiting for it.',
  running: 'The evo-token daemon is very slow to answer; waiting for it.',
}

export interface Silent {
  readonly target: NetConnectOpts
  readonly headers: Readonly<Record<string, string>>
  /** What was connected to, for people. */
  readonly place: string
  /** Whether it is the socket of the machine's own service. */
  readonly isMachines: boolean
  /** The process that wrote where it listens, if it still runs. */
  readonly pid: number | undefined
  readonly env: NodeJS.ProcessEnv
  /** Tells a person what is waited for. */
  readonly say: (text: string) => void
}

/**
 * Looks again and again until `signal` says that the answer has come.
 *
 * @throws {EvoTokenError} `not_running`, when none is to be expected any more.
 */
export async function outlastSilence(silent: Silent, signal: AbortSignal): Promise<void> {
  const said = new Set<Phase>()
  let before: Seen | undefined
  while (!signal.aborted) {
    let pauseMs = LOOK_EVERY_MS
    if (!(await isAlive(silent))) {
      const seen = await look(silent)
      const phase = isFailing(before, seen) ? 'failed' : seen.phase
      const words = WAITING[phase]
      if (isOver(signal)) return
      if (words === undefined) throw notThere(silent, phase)
      if (!said.has(phase)) silent.say(words)
      said.add(phase)
      before = seen
      if (phase !== 'running') pauseMs = LOOK_AGAIN_MS
    }
    // Rejects when the answer comes, which the loop asks for itself.
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}

/** A function: the compiler takes a property that was read once for one that stays. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted
}

async function isAlive({ target, headers, place }: Silent): Promise<boolean> {
  const socket = await openSocket(target)
  if (typeof socket === 'string') return false
  const ask = { path: '/healthz', timeoutMs: ALIVE_WITHIN_MS }
  const { Host = 'localhost' } = headers
  const answer = await exchange({ socket, headers: { Host }, place }, ask)
  return typeof answer === 'object' && answer.status === 200
}

/** Whether it was tried again since the last look, and is not up yet: each look meets another attempt. */
function isFailing(before: Seen | undefined, { phase, restarts }: Seen): boolean {
  return before !== undefined && phase === 'starting' && restarts > before.restarts
}

/** `absent` where there is no service manager, or none that answers. */
async function look({ isMachines, env }: Silent): Promise<Seen> {
  const services = await loadServices()
  const asked = services
    // It is asked for its state alone.
    .find({ system: isMachines, env, stopDaemon: async () => undefined })
    .then(async (manager): Promise<Seen> => manager.state())
    .catch(() => UNKNOWN)
  return Promise.race([asked, sleep(MANAGER_WITHIN_MS, UNKNOWN, { ref: false })])
}

function notThere({ place, pid }: Silent, phase: Phase): EvoTokenError {
  if (phase === 'failed') {
    const message = 'The evo-token service is installed, and its daemon does not start.'
    return new EvoTokenError('not_running', message, '`evo-token service status` shows why.')
  }
  const process = pid === undefined ? 'its process' : `its process (\`${endCommand(pid)}\`)`
  return new EvoTokenError(
    'not_running',
    `The evo-token daemon at ${place} gives no sign of life.`,
    `End ${process}, then start it again with \`evo-token serve\`.`,
  )
}
