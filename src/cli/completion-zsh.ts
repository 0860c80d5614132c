/** The completion of zsh: for `eval`, or as the file `_evo-token` in a directory of `$fpath`. */
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

export function zshCompletion(commands: readonly Command[]): string {
  const grouped = [...groups(commands)].map(([first, members]) => {
    const seconds = members.map(({ words, summary }) => described(words[1] ?? '', summary))
    return `    ${first})
      if (( CURRENT == 3 )); then
        found=(${seconds.join(' ')})
        _describe command found
        return
      fi
      command+=" $words[3]"
      shift words
      (( CURRENT-- )) ;;`
  })
  const first = [...firstWords(commands)].map(([word, says]) => `      ${described(word, says)}`)
  return `#compdef evo-token
# evo-token completion zsh
_evo_token_apps() {
  local -a names
  names=(\${(f)"$(${listApps('$place')})"})
  compadd "$@" -a names
}

_evo_token_callers() {
  local -a names
  names=(\${(f)"$(${listCallers('$place')})"})
  compadd "$@" -a names
}

# Into $place: the options that were typed and say where the daemon is.
_evo_token_place() {
  local word option
  for word in \${words[3,CURRENT-1]}; do
    [[ $word == -- ]] && return
    word=\${(Q)word}
    if [[ -n $option ]]; then
      word=$option=$word
      option=
    elif [[ $word == --(socket|state-dir) ]]; then
      option=$word
    fi
    if [[ $word == --(socket|state-dir)=* ]]; then
      [[ $word == *=\\~/* ]] && word="\${word%%=*}=$HOME/\${word#*=\\~/}"
      place+=("$word")
    fi
  done
}

_evo_token() {
  local command=$words[2] rest
  local -a found place
  _evo_token_place
  if (( CURRENT == 2 )); then
    if [[ $PREFIX == -* ]]; then
      compadd -- --help --version
      return
    fi
    found=(
${first.join('\n')}
    )
    _describe command found
    return
  fi
  case $command in
${grouped.join('\n')}
  esac
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(ofCommand).join('\n')}
    *) return 1 ;;
  esac
}

if [[ $funcstack[1] == _evo_token || $funcstack[1] == _evo-token ]]; then
  _evo_token "$@"
else
  compdef _evo_token evo-token
fi
`
}

function ofCommand(command: Command): string {
  const placed = placedArguments(command)
  const options = Object.entries(command.options).map(([name, option]) => {
    const values = valuesOfOption(option)
    const says = `[${escaped(option.description)}]`
    const value = values && `=${says}:${option.placeholder ?? 'VALUE'}:${action(values)}`
    return `${option.multiple ? '*' : ''}--${name}${value ?? says}`
  })
  const specs = [
    ...options,
    '--help[Show this.]',
    ...placed.map((one, index) => {
      const place = `${index + 1}${one.optional ? '::' : ':'}`
      return `${place}${one.name}:${action(valuesOfArgument(one))}`
    }),
    ...(takesRest(command) ? [`${placed.length + 1}:--:(--)`] : []),
  ]
  // What follows `--` is a command line of its own.
  const rest = takesRest(command)
    ? `
      rest=\${words[(i)--]}
      if (( rest < CURRENT )); then
        shift $rest words
        (( CURRENT -= rest ))
        _normal
        return
      fi`
    : ''
  const lines = specs.map((spec) => `        ${quoted(spec)}`)
  return `    ${quoted(command.words.join(' '))})${rest}
      _arguments \\
${lines.join(' \\\n')} ;;`
}

function action(values: Values): string {
  if (typeof values !== 'string') return `(${values.join(' ')})`
  return {
    app: '_evo_token_apps',
    caller: '_evo_token_callers',
    file: '_files',
    directory: '_files -/',
    any: ' ',
  }[values]
}

function described(word: string, says: string): string {
  return quoted(`${word}:${says.replaceAll(':', '\\:')}`)
}

/** As the brackets of _arguments take it. */
function escaped(description: string): string {
  return description.replace(/[\\[\]:]/g, '\\$&')
}

function quoted(words: string): string {
  return `'${words.replaceAll("'", `'\\''`)}'`
}
