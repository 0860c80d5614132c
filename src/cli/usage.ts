/** Messages about a command line that does not fit the command. */
import { SidecarError } from '../errors.ts'
import type { Command } from './command.ts'

/** `fault` completes the sentence "`evo-token get` …". */
export function usageFault(command: Command, fault: string, nearestKnown?: string): SidecarError {
  const name = `evo-token ${command.words.join(' ')}`
  const instead = nearestKnown === undefined ? '' : ` Did you mean ${nearestKnown}?`
  return new SidecarError('invalid_request', `\`${name}\` ${fault}.${instead}`, {
    hint: `See \`${name} --help\`.`,
  })
}

/** `findNearest` of `nearest.ts`, which is loaded only for a mistyped word. */
export async function suggestNearest(
  typed: string,
  known: readonly string[],
): Promise<string | undefined> {
  return (await import('../nearest.ts')).findNearest(typed, known)
}
