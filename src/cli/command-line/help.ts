/** Help for the whole program, for a group of commands, and for one command. */
import type { Command } from '../command.ts'

const TEXT_WIDTH = 96

export function renderOverview(commands: readonly Command[]): string {
  return [
    'evo-token keeps the tokens of Seequent Evo apps fresh, and hands them to local programs.',
    '',
    'Usage: evo-token COMMAND',
    '',
    'Commands:',
    ...layOutColumns(commands.map((one) => [usageOf(one), one.summary])),
    '',
    'Options:',
    ...layOutColumns([
      ['--help', 'Show this, or with a command the help for it.'],
      ['--version', 'Show the version.'],
    ]),
    '',
    'Exit codes: 0 done, 1 failed, 2 usage or config, 3 a person must sign in, 4 daemon not',
    'reachable, 5 not available now, 6 refused, 7 the app itself is refused.',
    '',
  ].join('\n')
}

export function groupHelp(word: string, commands: readonly Command[]): string {
  const rows = commands.map((one): HelpRow => [usageOf(one), one.summary])
  return [`Usage: evo-token ${word} COMMAND`, '', 'Commands:', ...layOutColumns(rows), ''].join(
    '\n',
  )
}

export function commandHelp(command: Command): string {
  const { summary, details, options, examples } = command
  const named = command.arguments.map((one): HelpRow => [one.name, one.description])
  const flags = Object.entries(options).map(([name, option]): HelpRow => {
    const value = option.choices?.join('|') ?? option.placeholder
    return [value === undefined ? `--${name}` : `--${name} ${value}`, option.description]
  })
  return [
    `Usage: evo-token ${usageOf(command)}${flags.length > 0 ? ' [OPTION]…' : ''}`,
    '',
    ...wrapText(
      `${summary.charAt(0).toUpperCase()}${summary.slice(1)}. ${details ?? ''}`,
      TEXT_WIDTH,
    ),
    ...sectionOf('Arguments:', named),
    ...sectionOf('Options:', [...flags, ['--help', 'Show this.']]),
    ...sectionOf(
      'Examples:',
      examples.map(({ line, says }) => [line, says]),
    ),
    '',
  ].join('\n')
}

type HelpRow = readonly [string, string]

function usageOf(command: Command): string {
  const named = command.arguments.map(({ name, kind, optional }) =>
    kind === 'rest' ? `-- ${name}…` : optional ? `[${name}]` : name,
  )
  return [...command.words, ...named].join(' ')
}

function sectionOf(title: string, rows: readonly HelpRow[]): string[] {
  return rows.length > 0 ? ['', title, ...layOutColumns(rows)] : []
}

/** Two columns. The second is wrapped between words, and starts on the next line where the first is long. */
function layOutColumns(rows: readonly HelpRow[]): string[] {
  const left = Math.min(30, Math.max(...rows.map(([term]) => term.length))) + 4
  return rows.flatMap(([term, text]) => {
    const lines = wrapText(text, TEXT_WIDTH - left).map((line) => ' '.repeat(left) + line)
    const first = `  ${term}`
    if (first.length + 2 > left) return [first, ...lines]
    return [first.padEnd(left) + (lines[0] ?? '').trimStart(), ...lines.slice(1)]
  })
}

function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ').filter(Boolean)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
