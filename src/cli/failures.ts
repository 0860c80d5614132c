/**
 * How a command fails: an error that a person can act on is shown as a sentence and a hint; any
 * other is a bug, shown without what might be a secret.
 */
import { scrub } from '../adapters/log/scrub.ts'
import { removePieces } from '../adapters/log/secret-pieces.ts'
import { SidecarError } from '../errors.ts'
import { EvoTokenError } from '../client/failures.ts'
import type { Io } from './io.ts'
import { plain } from './plain.ts'

/** sysexits.h EX_SOFTWARE: a bug of ours. */
const EXIT_BUG = 70

/** Long runs without a space: a message may quote what we read, and that may have been a token. */
const OPAQUE = /[\w.~+/=-]{24,}/g

/** Writes what went wrong to stderr, and returns the exit code. */
export function reportFailure(error: unknown, { stderr, env }: Pick<Io, 'stderr' | 'env'>): number {
  if (error instanceof SidecarError || error instanceof EvoTokenError) {
    // The message may quote what was typed, which may be a key.
    stderr.write(`evo-token: ${plainLines(scrub(error.message))}\n`)
    if (error.code === 'unknown_app' && isNamedByEnvironment(error, env)) {
      stderr.write('EVO_TOKEN_APP names this app.\n')
    }
    if (error.hint) stderr.write(`${plain(scrub(error.hint))}\n`)
    return error.exitCode
  }
  // The reader of our output has gone (`| head -1`).
  if (hasCode(error, 'EPIPE')) return 0
  stderr.write(`evo-token: This is a bug of evo-token, please report it.\n${bugReport(error)}\n`)
  return EXIT_BUG
}

function isNamedByEnvironment({ message }: Error, { EVO_TOKEN_APP: app }: Io['env']): boolean {
  return !!app && message.includes(`"${app}"`)
}

/** A config's faults stand on a line each; nothing else of a message may move the cursor. */
function plainLines(message: string): string {
  return message.split('\n').map(plain).join('\n')
}

function bugReport(error: unknown): string {
  if (!(error instanceof Error)) return `Something was thrown that is no error: ${typeof error}.`
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const message = removePieces(scrub(error.message)).replace(OPAQUE, '[redacted]')
  return [`${error.name}: ${plain(message)}`, ...frames].join('\n')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
