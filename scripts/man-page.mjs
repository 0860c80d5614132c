/** Prints the manual page, from the definitions that `--help` uses. It has no date, which would only add to diffs. */
import { readFileSync } from 'node:fs'
import { loadCommands } from '../build/src/cli/commands.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** Escapes text for roff: backslashes, special characters, and a leading full stop, which begins a request. */
function text(words) {
  const escaped = words.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...')
  return escaped.replaceAll("'", '\\(aq').replaceAll('`', '\\(ga').replace(/^\./, '\\&.')
}

function item(term, ...says) {
  return ['.TP', `\\fB${text(term)}\\fR`, ...says.filter(Boolean).map(text)]
}

function about(command) {
  const named = command.arguments.map(({ name, kind, optional }) =>
    kind === 'rest' ? `-- ${name}…` : optional ? `[${name}]` : name,
  )
  const options = Object.entries(command.options).map(([name, option]) => {
    const value = option.choices?.join('|') ?? option.placeholder
    return item(value === undefined ? `--${name}` : `--${name} ${value}`, option.description)
  })
  const summary = `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`
  return [
    `.SS "${text([...command.words, ...named].join(' '))}"`,
    text(summary),
    ...(command.details ? [text(command.details)] : []),
    ...command.arguments.flatMap(({ name, description }) => item(name, description)),
    ...options.flat(),
    ...command.examples.flatMap(({ line, says }) => item(line, says || summary)),
  ]
}

const page = [
  `.TH EVO\\-TOKEN 1 "" "evo\\-token ${version}"`,
  '.SH NAME',
  'evo\\-token \\- keeps the tokens of Seequent Evo apps fresh, and hands them to local programs',
  '.SH SYNOPSIS',
  '\\fBevo\\-token\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...',
  '.SH COMMANDS',
  ...(await loadCommands()).flatMap(about),
  '.SH "EXIT STATUS"',
  '0 done, 1 failed, 2 usage or config, 3 a person must sign in, 4 daemon not reachable,',
  '5 not available now, 6 refused, 7 the app itself is refused.',
  '',
]
process.stdout.write(page.join('\n'))
