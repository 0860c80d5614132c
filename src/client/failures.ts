/** What went wrong between a client and the daemon, with the exit code and the words for a person. */
import { endCommand } from '../platform/chosen.ts'
import { rowOf } from '../errors.ts'
import type { Answer } from './wire.ts'

/**
 * What the daemon answered instead of doing what it was asked (RFC 9457), or why it could not be
 * asked: `not_running`, `config`, `invalid_key`.
 */
export class EvoTokenError extends Error {
  override readonly name = 'EvoTokenError'
  /** One of the codes in the README's table. */
  readonly code: string
  /** What to do next; empty where there is nothing to say. */
  readonly hint: string
  /** Whether the request certainly never reached the daemon: then it can be repeated. @internal */
  readonly unasked: boolean

  /** @internal */
  constructor(code: string, message: string, hint = rowOf(code)?.hint ?? '', unasked = false) {
    super(message)
    this.code = code
    this.hint = hint
    this.unasked = unasked
  }

  /** Exit code for this error; 1 for a code that is not known. */
  get exitCode(): number {
    return rowOf(this.code)?.exit ?? 1
  }
}

/** `answer` is a problem of the daemon's, or is none of its answers at all; a string says why not. @internal */
export function failureOf(answer: Answer | string, place: string): EvoTokenError {
  if (typeof answer === 'string') return notOurs(answer, place)
  const problem = answer.json
  const type = answer.headers.get('content-type') ?? ''
  if (!type.startsWith('application/problem+json') || typeof problem?.error !== 'string') {
    return notOurs(`it answered ${answer.status}, but not with the daemon's JSON`, place)
  }
  const { error, detail, title, hint } = problem
  return new EvoTokenError(error, text(detail) || text(title) || error, text(hint))
}

/** @param pid a process that wrote where it listens, and still runs. @internal */
export function notRunning(reason: string, pid?: number): EvoTokenError {
  const message = `The daemon cannot be reached: ${reason}.`
  const hint =
    pid === undefined
      ? undefined
      : `Process ${pid} wrote where it listens, and still runs: end it (\`${endCommand(pid)}\`), then \`evo-token serve\`.`
  return new EvoTokenError('not_running', message, hint, true)
}

function notOurs(reason: string, place: string): EvoTokenError {
  const message = `What listens on ${place} does not answer as this evo-token expects: ${reason}.`
  const hint = 'Restart the daemon (`evo-token serve`), or see what else listens there.'
  return new EvoTokenError('not_running', message, hint)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
