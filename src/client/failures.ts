/** The failures of a client, each with its exit code and what to do. */
import { endCommand } from '../platform/chosen.ts'
import { rowOf } from '../errors.ts'
import type { DaemonAnswer } from './wire.ts'

/**
 * A problem with which the daemon answered (RFC 9457), or the reason why it could not be asked: `not_running`,
 * `config`, `invalid_key`.
 */
export class EvoTokenError extends Error {
  override readonly name = 'EvoTokenError'
  /** One of the codes in the README's table. */
  readonly code: string
  /** What to do next; empty where there is nothing to say. */
  readonly hint: string
  /** Whether the request cannot have reached the daemon, so that it can be repeated. @internal */
  readonly unasked: boolean

  /** @internal */
  constructor(code: string, message: string, hint = rowOf(code)?.hint ?? '', unasked = false) {
    super(message)
    this.code = code
    this.hint = hint
    this.unasked = unasked
  }

  /** Exit code for this error; 1 for an unknown code. */
  get exitCode(): number {
    return rowOf(this.code)?.exit ?? 1
  }
}

/** The error for an answer: the daemon's problem, or that this is no answer of a daemon. A string says why not. @internal */
export function failureOf(answer: DaemonAnswer | string, place: string): EvoTokenError {
  if (typeof answer === 'string') return notOurs(answer, place)
  const problem = answer.json
  const type = answer.headers.get('content-type') ?? ''
  if (!type.startsWith('application/problem+json') || typeof problem?.error !== 'string') {
    return notOurs(`it answered ${answer.status}, but not with the daemon's JSON`, place)
  }
  const { error, detail, title, hint } = problem
  return new EvoTokenError(
    error,
    textOrEmpty(detail) || textOrEmpty(title) || error,
    textOrEmpty(hint),
  )
}

/**
 * @param pid the process that wrote `endpoint.json`, if it still runs.
 * @param isNothingSetUp whether `evo-token serve` would find no config.
 * @internal
 */
export function notRunning(reason: string, pid?: number, isNothingSetUp = false): EvoTokenError {
  const message = `The daemon cannot be reached: ${reason}.`
  return new EvoTokenError('not_running', message, startHint(pid, isNothingSetUp), true)
}

function startHint(pid: number | undefined, isNothingSetUp: boolean): string | undefined {
  if (pid !== undefined) {
    return `The daemon's process ${pid} still runs, and cannot be reached: end it (\`${endCommand(pid)}\`), then run \`evo-token serve\`.`
  }
  return isNothingSetUp
    ? 'There is no config yet: write one with `evo-token init`, then start the daemon with `evo-token serve`.'
    : undefined
}

function notOurs(reason: string, place: string): EvoTokenError {
  const message = `What listens on ${place} does not answer as this evo-token expects: ${reason}.`
  const hint =
    'Restart the daemon (`evo-token serve`), or find out which other program listens there.'
  return new EvoTokenError('not_running', message, hint)
}

function textOrEmpty(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
