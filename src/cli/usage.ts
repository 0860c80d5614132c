/** What a person is told whose command line does not fit the table. */
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

/** Of `known`, what reads most like `typed`, where anything does. */
export async function nearest(
  typed: string,
  known: readonly string[],
): Promise<string | undefined> {
  const { closest, distance } = await import('fastest-levenshtein')
  const found = closest(typed, known)
  return distance(typed, found) <= Math.max(2, typed.length / 3) ? found : undefined
}
