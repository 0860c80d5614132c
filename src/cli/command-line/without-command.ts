/** Answers a command line without a known command: with help, the version, or the nearest name. */
import { readPackageVersion } from '../../adapters/process/package-version.ts'
import { NAME_PATTERN } from '../../core/names.ts'
import { SidecarError } from '../../errors.ts'
import { commandsOfGroup, findCommand, LISTED_COMMANDS, loadCommands } from '../commands.ts'
import { commandHelp, groupHelp, renderOverview } from './help.ts'
import type { Io } from '../io.ts'
import { suggestNearest } from '../usage.ts'

/** @throws {SidecarError} `invalid_request` */
export async function answerWithoutCommand(argv: readonly string[], io: Io): Promise<number> {
  const [first = ''] = argv
  const asksHelp = first === 'help' || argv.includes('--help') || argv.includes('-h')
  const words = (first === 'help' ? argv.slice(1) : argv).filter((word) => !word.startsWith('-'))
  if (asksHelp) {
    io.stdout.write((await helpFor(words)) ?? (await unknownCommand(words)))
    return 0
  }
  if (first === '--version' || first === '-V') {
    io.stdout.write(`${readPackageVersion()}\n`)
    return 0
  }
  if (first === '') throw toUsageFault('No command was given.')
  if (first.startsWith('-'))
    throw toUsageFault(
      `${first.split('=', 1).join('')} is not known here: options follow a command.`,
    )
  return unknownCommand(words)
}

function toUsageFault(message: string): SidecarError {
  return new SidecarError('invalid_request', message, { hint: 'See `evo-token --help`.' })
}

async function helpFor(words: readonly string[]): Promise<string | undefined> {
  const [first] = words
  if (first === undefined) return renderOverview(await loadCommands())
  const command = await findCommand(words)
  if (command?.words.length === words.length) return commandHelp(command)
  const group = commandsOfGroup(first)
  if (words.length > 1 || group.length === 0) return undefined
  return groupHelp(first, await loadCommands(group))
}

async function unknownCommand([first = '', second]: readonly string[]): Promise<never> {
  const group = commandsOfGroup(first)
  if (group.length > 0 && second === undefined) {
    const choices = group.map(({ words }) => `\`evo-token ${words.join(' ')}\``).join(', ')
    throw toUsageFault(`\`evo-token ${first}\` needs one more word: ${choices}.`)
  }
  const known = LISTED_COMMANDS.map(({ words }) => words.join(' '))
  const both = second === undefined ? first : `${first} ${second}`
  // The second word may be an argument, so the first one alone counts as well.
  const found = (await suggestNearest(both, known)) ?? (await suggestNearest(first, known))
  const instead = found === undefined ? '' : ` Did you mean \`evo-token ${found}\`?`
  // It may be a secret that was pasted into the wrong place.
  const shown = group.length > 0 ? both : first
  const named = shown.split(' ').every((word) => NAME_PATTERN.test(word))
    ? `"${shown}"`
    : 'of this name'
  throw toUsageFault(`There is no command ${named}.${instead}`)
}
