/** What can stand for the values of options and arguments: the part of completion that is no shell's. */
import type { Argument, Command, Option } from './command.ts'

/** `any`: there is a value, but nothing to offer for it. */
export type Values = 'app' | 'caller' | 'file' | 'directory' | 'any' | readonly string[]

const BY_PLACEHOLDER: Readonly<Record<string, Values>> = {
  APP: 'app',
  FILE: 'file',
  PATH: 'file',
  DIR: 'directory',
}

/**
 * Prints a line per app, for every shell; nothing where no daemon answers. The names are of letters,
 * digits and `._-` alone, whatever the answer holds, so no shell can take one for more than a word.
 *
 * @param place what the shell puts there for the options that were typed and say where the daemon is.
 */
export function listApps(place: string): string {
  return namesIn('status', 'app', place)
}

export function listCallers(place: string): string {
  return namesIn('caller list', 'name', place)
}

function namesIn(command: string, key: string, place: string): string {
  return `evo-token ${command} --json ${place} </dev/null 2>/dev/null | grep -o '"${key}":"[a-z0-9._-]*"' | cut -d '"' -f 4`
}

/** Undefined where the option takes none. */
export function valuesOfOption(option: Option): Values | undefined {
  const { type, placeholder = '', choices, offer } = option
  if (type === 'boolean') return undefined
  return choices ?? offer ?? BY_PLACEHOLDER[placeholder] ?? 'any'
}

export function valuesOfArgument({ name, choices, offer }: Argument): Values {
  return choices ?? offer ?? BY_PLACEHOLDER[name] ?? 'any'
}

/** All but what follows `--`. */
export function placedArguments(command: Command): Argument[] {
  return command.arguments.filter(({ kind }) => kind !== 'rest')
}

export function takesRest(command: Command): boolean {
  return command.arguments.some(({ kind }) => kind === 'rest')
}

/** By first word, those commands that have two: `caller` with `add`, `list`, `remove`. */
export function groups(commands: readonly Command[]): Map<string, Command[]> {
  const found = new Map<string, Command[]>()
  for (const command of commands) {
    const [first = ''] = command.words
    if (command.words.length > 1) found.set(first, [...(found.get(first) ?? []), command])
  }
  return found
}

/** What can be typed first, each with what is said of it. */
export function firstWords(commands: readonly Command[]): Map<string, string> {
  const inGroups = groups(commands)
  return new Map(
    commands.map(({ words: [first = ''], summary }) => {
      const group = inGroups.get(first)?.map(({ words }) => words[1])
      return [first, group?.join(', ') ?? summary]
    }),
  )
}
