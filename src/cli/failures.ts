/**
 * How a command fails: an error that a person can act on is shown as a sentence and a hint; any
 * other is a bug, shown without what might be a secret.
 */
import { scrub } from '../adapters/log/scrub.ts'
import { removePieces } from '../adapters/log/secret-pieces.ts'
import { EXIT_BUG } from '../core/error-codes.ts'
import { codeOf, SidecarError } from '../errors.ts'
import { EvoTokenError } from '../client/failures.ts'
import type { Io } from './io.ts'
import { plain } from './plain.ts'
import { EXIT_FAILED, isUnloadable, unloadableInWords } from './unloadable.ts'

/** A long run without a space: a message may quote what was read, which may have been a token. */
const OPAQUE_RUN = /[\w.~+/=-]{24,}/g

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
  if (isUnloadable(error)) {
    stderr.write(unloadableInWords(error))
    return EXIT_FAILED
  }
  // The program that reads our output has ended (`| head -1`).
  if (codeOf(error) === 'EPIPE') return 0
  stderr.write(`evo-token: This is a bug of evo-token, please report it.\n${bugReport(error)}\n`)
  return EXIT_BUG
}

function isNamedByEnvironment({ message }: Error, { EVO_TOKEN_APP: app }: Io['env']): boolean {
  return !!app && message.includes(`"${app}"`)
}

/** Keeps line breaks, since each fault of a config has its own line; no other control character takes effect. */
function plainLines(message: string): string {
  return message.split('\n').map(plain).join('\n')
}

function bugReport(error: unknown): string {
  if (!(error instanceof Error)) return `A value of type ${typeof error} was thrown.`
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const message = removePieces(scrub(error.message)).replace(OPAQUE_RUN, '[redacted]')
  return [`${error.name}: ${plain(message)}`, ...frames].join('\n')
}
