/** The part of completion that needs no daemon: what can be typed next, from the commands alone. */
import type { Argument, Command, Option } from '../command.ts'
import { commandsOfGroup, findCommand, LISTED_COMMANDS, type ListedCommand } from '../commands.ts'

export interface Choice {
  readonly word: string
  /** Its description; may be empty. */
  readonly says: string
}

/** `prefix` is what stands before the value in the same word: `--app=`. */
export type Offer =
  | { readonly kind: 'choices'; readonly choices: readonly Choice[] }
  | { readonly kind: 'app' | 'caller' | 'file' | 'directory'; readonly prefix: string }
  /** The command line of another program, which begins after so many words. */
  | { readonly kind: 'command'; readonly behind: number }

const NO_OFFER: Offer = { kind: 'choices', choices: [] }

const HELP_OPTION = { word: '--help', says: 'Show this.' }

const GLOBAL_OPTIONS = [
  { word: '--help', says: 'Show the commands.' },
  { word: '--version', says: 'Show the version.' },
]

/** What can complete the last of `words`, the words after the name of the program. */
export async function offerFor(words: readonly string[]): Promise<Offer> {
  const typed = words.slice(0, -1)
  const current = words.at(-1) ?? ''
  const command = await findCommand(typed)
  if (command) return offerOf(command, typed.slice(command.words.length), current)
  const [first, ...others] = typed
  const isOption = current.startsWith('-')
  if (first === undefined) {
    return { kind: 'choices', choices: isOption ? GLOBAL_OPTIONS : firstWords() }
  }
  const group = others.length > 0 ? [] : commandsOfGroup(first)
  if (group.length === 0) return NO_OFFER
  return { kind: 'choices', choices: isOption ? [HELP_OPTION] : group.map(lastWord) }
}

/** Each first word once; a group is described by its second words. */
function firstWords(): Choice[] {
  const said = new Map<string, string>()
  for (const { words, summary } of LISTED_COMMANDS) {
    const [first = '', second] = words
    const before = said.get(first)
    said.set(first, second === undefined ? summary : before ? `${before}, ${second}` : second)
  }
  return [...said].map(([word, says]) => ({ word, says }))
}

function lastWord({ words, summary }: ListedCommand): Choice {
  return { word: words.at(-1) ?? '', says: summary }
}

function offerOf(command: Command, typed: readonly string[], current: string): Offer {
  const rest = command.arguments.some(({ kind }) => kind === 'rest')
  const placed = command.arguments.filter(({ kind }) => kind !== 'rest')
  const used = new Set<string>()
  let count = 0
  let waiting: Option | undefined
  for (const [at, word] of typed.entries()) {
    if (waiting) waiting = undefined
    else if (word === '--') {
      // Two more: the name of the program, and this `--`.
      return rest ? { kind: 'command', behind: command.words.length + at + 2 } : NO_OFFER
    } else if (word.startsWith('-')) {
      const [name = '', value] = word.slice(2).split('=')
      const option = command.options[name]
      if (option && !option.multiple) used.add(name)
      if (option?.type === 'string' && value === undefined) waiting = option
    } else count++
  }
  if (waiting) return offerValues(waiting, '')
  const [name = '', value] = current.slice(2).split('=')
  const option = command.options[name]
  if (current.startsWith('--') && option && value !== undefined) {
    return offerValues(option, `--${name}=`)
  }
  const argument = placed[count]
  if (argument && !current.startsWith('-')) return offerValues(argument, '')
  const unused = Object.entries(command.options).filter(([one]) => !used.has(one))
  const options = unused.map(([one, { description }]) => ({ word: `--${one}`, says: description }))
  const separator =
    rest && (!argument || argument.optional === true)
      ? [{ word: '--', says: 'The program follows.' }]
      : []
  return { kind: 'choices', choices: [...separator, ...options, HELP_OPTION] }
}

/** By the name of an argument, or the placeholder of an option. */
const BY_PLACEHOLDER: Readonly<Record<string, 'app' | 'file' | 'directory'>> = {
  APP: 'app',
  FILE: 'file',
  PATH: 'file',
  DIR: 'directory',
}

function offerValues(what: Option | Argument, prefix: string): Offer {
  const placeholder = 'name' in what ? what.name : (what.placeholder ?? '')
  const kind = what.offer ?? BY_PLACEHOLDER[placeholder]
  if (what.choices) {
    return { kind: 'choices', choices: what.choices.map((word) => toChoice(prefix, word)) }
  }
  return kind ? { kind, prefix } : NO_OFFER
}

export function toChoice(prefix: string, word: string): Choice {
  return { word: `${prefix}${word}`, says: '' }
}
