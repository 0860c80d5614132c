/** What went wrong between us and the daemon, with the exit code and the words for a person. */
import { exitCodeOf, SidecarError } from '../errors.ts'
import { type Answer, parseObject } from './client.ts'

/** What the daemon answered instead of doing what it was asked (RFC 9457). */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: string
  readonly hint: string

  constructor(code: string, message: string, hint: string) {
    super(message)
    this.code = code
    this.hint = hint
  }

  get exitCode(): number {
    return exitCodeOf(this.code)
  }
}

/** `answer` is a problem of the daemon's, or is none of its answers at all; a string says why not. */
export function failureOf(answer: Answer | string, place: string): Refusal | SidecarError {
  if (typeof answer === 'string') return notOurs(answer, place)
  const problem = parseObject(answer.body)
  const type = answer.headers.get('content-type') ?? ''
  if (!type.startsWith('application/problem+json') || typeof problem?.error !== 'string') {
    return notOurs(`it answered ${answer.status} with something else than our JSON`, place)
  }
  const { error, detail, title, hint } = problem
  return new Refusal(error, text(detail) || text(title) || error, text(hint))
}

export function notRunning(reason: string): SidecarError {
  return new SidecarError('not_running', `The daemon cannot be reached: ${reason}.`)
}

function notOurs(reason: string, place: string): SidecarError {
  const message = `What listens on ${place} does not answer as this evo-token expects: ${reason}.`
  const hint = 'Restart the daemon (`evo-token serve`), or see what else listens there.'
  return new SidecarError('not_running', message, { hint })
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
