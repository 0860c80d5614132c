/** The completion of fish, 3.2 and later: a line for each thing that can be typed, with its condition. */
import type { Command } from './command.ts'
import {
  firstWords,
  groups,
  listApps,
  listCallers,
  placedArguments,
  takesRest,
  type Values,
  valuesOfArgument,
  valuesOfOption,
} from './completion-values.ts'

export function fishCompletion(commands: readonly Command[]): string {
  const first = [...firstWords(commands)].map(([word, says]) =>
    line('__evo_token_typed', `-a ${word}`, says),
  )
  const second = [...groups(commands)].flatMap(([group, members]) =>
    members.map(({ words, summary }) =>
      line(`__evo_token_typed ${group}`, `-a ${words[1] ?? ''}`, summary),
    ),
  )
  return `# evo-token completion fish
# The options that were typed and say where the daemon is, one a line.
function __evo_token_place
    set -l option
    for word in (commandline -opc)[2..]
        if test "$word" = --
            return
        else if test -n "$option"
            echo -- $option=(string replace -r '^~/' "$HOME/" -- $word)
            set option
        else if contains -- "$word" --socket --state-dir
            set option $word
        else if string match -qr -- '^--(socket|state-dir)=' "$word"
            string replace -r '=~/' "=$HOME/" -- $word
        end
    end
end

function __evo_token_apps
    set -l place (__evo_token_place)
    ${listApps('$place')}
end

function __evo_token_callers
    set -l place (__evo_token_place)
    ${listCallers('$place')}
end

# Nothing but these words stands before the cursor.
function __evo_token_typed
    set -l typed (commandline -opc)
    test "$typed[2..]" = "$argv"
end

# The command is $argv[1].
function __evo_token_is
    set -l typed (commandline -opc)
    set -l words (string split ' ' -- $argv[1])
    set -l last (math 1 + (count $words))
    test (count $typed) -ge $last; and test "$typed[2..$last]" = $argv[1]
end

# The command is $argv[1], and its argument $argv[2] is next; the other options take a value.
function __evo_token_at
    __evo_token_is $argv[1]; or return
    set -l typed (commandline -opc)
    set -l next 1
    set -l value no
    for word in $typed[(math 2 + (count (string split ' ' -- $argv[1])))..]
        if test $value = yes
            set value no
        else if test "$word" = --
            return 1
        else if contains -- "$word" $argv[3..]
            set value yes
        else if not string match -q -- '-*' "$word"
            set next (math $next + 1)
        end
    end
    test $next = $argv[2]
end

# The command is $argv[1], and the cursor is behind \`--\`.
function __evo_token_behind
    __evo_token_is $argv[1]; and contains -- -- (commandline -opc)
end

# What follows \`--\` is a command line of its own.
function __evo_token_rest
    set -l typed (commandline -opc)
    set -l from (math 1 + (contains -i -- -- $typed))
    complete -C (string join ' ' -- (string escape -- $typed[$from..]) (commandline -ct))
end

complete -c evo-token -e
complete -c evo-token -f
${line('__evo_token_typed', '-l help', 'Show the commands.')}
${line('__evo_token_typed', '-l version', 'Show the version.')}
${[...first, ...second, ...commands.flatMap(ofCommand)].join('\n')}
`
}

function ofCommand(command: Command): string[] {
  const words = command.words.join(' ')
  const options = Object.entries(command.options)
  const valued = options.filter(([, option]) => option.type === 'string')
  const placed = placedArguments(command)
  const at = (place: number) =>
    [`__evo_token_at ${quoted(words)} ${place}`, ...valued.map(([name]) => `--${name}`)].join(' ')
  const lines = options.map(([name, option]) => {
    const values = valuesOfOption(option)
    const value = values === undefined ? '' : ` ${ofOption(values)}`
    return line(`__evo_token_is ${quoted(words)}`, `-l ${name}${value}`, option.description)
  })
  return [
    ...lines,
    line(`__evo_token_is ${quoted(words)}`, '-l help', 'Show this.'),
    ...placed.flatMap((argument, index) => {
      const offered = ofArgument(valuesOfArgument(argument))
      return offered === undefined ? [] : [line(at(index + 1), offered, argument.description)]
    }),
    ...(takesRest(command)
      ? [
          line(at(placed.length + 1), '-a --', 'The program follows.'),
          line(`__evo_token_behind ${quoted(words)}`, "-a '(__evo_token_rest)'"),
        ]
      : []),
  ]
}

function ofOption(values: Values): string {
  if (values === 'any') return '-x'
  return values === 'file' ? '-r -F' : `-x ${ofArgument(values) ?? ''}`
}

function ofArgument(values: Values): string | undefined {
  if (typeof values !== 'string') return `-a ${quoted(values.join(' '))}`
  return {
    app: "-a '(__evo_token_apps)'",
    caller: "-a '(__evo_token_callers)'",
    file: '-F',
    directory: "-a '(__fish_complete_directories)'",
    any: undefined,
  }[values]
}

function line(condition: string, what: string, says?: string): string {
  const description = says === undefined ? '' : ` -d ${quoted(says)}`
  return `complete -c evo-token -n ${quoted(condition)} ${what}${description}`
}

function quoted(words: string): string {
  return `'${words.replace(/[\\']/g, '\\$&')}'`
}
