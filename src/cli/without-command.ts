/** What is answered where no command of the table was typed: help, the version, or what is nearest. */
import { packageVersion } from '../adapters/package-version.ts'
import { NAME } from '../core/names.ts'
import { SidecarError } from '../errors.ts'
import type { Command } from './command.ts'
import { COMMANDS } from './commands.ts'
import { commandHelp, groupHelp, overview } from './help.ts'
import type { Io } from './io.ts'
import { nearest } from './usage.ts'

/** @throws {SidecarError} `invalid_request` */
export async function answerWithoutCommand(argv: readonly string[], io: Io): Promise<number> {
  const [first = ''] = argv
  const asksHelp = first === 'help' || argv.includes('--help') || argv.includes('-h')
  const words = (first === 'help' ? argv.slice(1) : argv).filter((word) => !word.startsWith('-'))
  if (asksHelp) {
    io.stdout.write(help(words) ?? (await unknownCommand(words)))
    return 0
  }
  if (first === '--version' || first === '-V') {
    io.stdout.write(`${packageVersion()}\n`)
    return 0
  }
  if (first === '') throw fault('No command was given.')
  if (first.startsWith('-'))
    throw fault(`${first.split('=', 1).join('')} is not known here: options follow a command.`)
  return unknownCommand(words)
}

function fault(message: string): SidecarError {
  return new SidecarError('invalid_request', message, { hint: 'See `evo-token --help`.' })
}

function help(words: readonly string[]): string | undefined {
  const [first] = words
  if (first === undefined) return overview()
  const typed = words.join(' ')
  const command = COMMANDS.find((one) => one.words.join(' ') === typed)
  if (command) return commandHelp(command)
  const group = commandsUnder(first)
  return words.length === 1 && group.length > 0 ? groupHelp(first, group) : undefined
}

async function unknownCommand([first = '', second]: readonly string[]): Promise<never> {
  const group = commandsUnder(first)
  if (group.length > 0 && second === undefined) {
    const choices = group.map((one) => `\`evo-token ${one.words.join(' ')}\``).join(', ')
    throw fault(`\`evo-token ${first}\` needs one more word: ${choices}.`)
  }
  const known = COMMANDS.map(({ words }) => words.join(' '))
  const both = second === undefined ? first : `${first} ${second}`
  // The second word may be an argument, so the first one alone counts as well.
  const found = (await nearest(both, known)) ?? (await nearest(first, known))
  const instead = found === undefined ? '' : ` Did you mean \`evo-token ${found}\`?`
  // What no command looks like may be a secret that was pasted into the wrong place.
  const shown = group.length > 0 ? both : first
  const named = shown.split(' ').every((word) => NAME.test(word)) ? `"${shown}"` : 'of this name'
  throw fault(`There is no command ${named}.${instead}`)
}

/** The commands that begin with `word`: `caller add`, `caller list`, … */
function commandsUnder(word: string): Command[] {
  return COMMANDS.filter(({ words }) => words.length > 1 && words[0] === word)
}
