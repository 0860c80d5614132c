/** The completion of bash, 3.2 and later: a table of what can stand where, and a walk over the words. */
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

/** Nothing for none: under `set -u` bash before 4.4 takes an empty array for an unset one. */
const PLACE = '${place[@]+"${place[@]}"}'

export function bashCompletion(commands: readonly Command[]): string {
  const grouped = [...groups(commands)].map(([first, members]) => {
    const seconds = members.map(({ words }) => words[1])
    return `    ${first}) group='${seconds.join(' ')}' ;;`
  })
  const options = commands.map((command) => {
    const names = [...Object.keys(command.options), 'help'].map((name) => `--${name}`)
    if (takesRest(command)) names.push('--')
    return `    '${command.words.join(' ')}') options='${names.join(' ')}' ;;`
  })
  return `# evo-token completion bash
# Prints the names of apps, or of callers, that the daemon knows for which the typed options ask.
_evo_token_names() {
  local at word option=''
  local -a place
  for ((at = 2; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [ "$word" = -- ]; then break; fi
    # Bash takes --option=value for three words.
    if [ -n "$option" ] && [ "$word" = = ]; then continue; fi
    if [ -n "$option" ]; then
      # The words are as they were typed.
      word=\${word#[\\"\\']} word=\${word%[\\"\\']} word=\${word//\\\\/}
      case $word in '~/'*) word=$HOME/\${word#??} ;; esac
      place+=("$option=$word") option=''
    else
      case $word in --socket | --state-dir) option=$word ;; esac
    fi
  done
  case $1 in
    app) ${listApps(PLACE)} ;;
    caller) ${listCallers(PLACE)} ;;
  esac
}

# What can stand where: behind an option that takes a value, or as the nth argument.
_evo_token_values() {
  case $1 in
${values(commands).join('\n')}
    *) return 1 ;;
  esac
}

# Of $1, what begins as the word under the cursor does.
_evo_token_offer() {
  local line words=''
  local -a generate
  case $1 in
    app | caller) words=$(_evo_token_names "$1"); generate=(-W "$words") ;;
    file) generate=(-f) ;;
    directory) generate=(-d) ;;
    program) generate=(-c) ;;
    any) return ;;
    *) generate=(-W "$1") ;;
  esac
  case $1 in file | directory) compopt -o filenames 2>/dev/null ;; esac
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "\${generate[@]}" -- "$current")
}

_evo_token() {
  local IFS=$' \\t\\n' current=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} at=2
  local group='' options='' values='' option='' count=1 word
  COMPREPLY=()
  if [ "$COMP_CWORD" -le 1 ]; then
    _evo_token_offer '${[...firstWords(commands).keys()].join(' ')} --help --version'
    return
  fi
  case $command in
${grouped.join('\n')}
  esac
  if [ -n "$group" ]; then
    if [ "$COMP_CWORD" -eq 2 ]; then
      _evo_token_offer "$group --help"
      return
    fi
    command="$command \${COMP_WORDS[2]}" at=3
  fi
  case $command in
${options.join('\n')}
    *) return ;;
  esac
  for (( ; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    # Bash takes --option=value for three words.
    if [ -n "$option" ] && [ "$word" = = ]; then continue; fi
    if [ -n "$option" ]; then
      option=''
    elif [ "$word" = -- ] && _evo_token_values "$command --"; then
      [ $((at + 1)) -eq "$COMP_CWORD" ] || values=file
      _evo_token_offer "$values"
      return
    else
      case $word in
        -*) ! _evo_token_values "$command $word" || option=$word ;;
        *) count=$((count + 1)) ;;
      esac
    fi
  done
  if [ -n "$option" ]; then
    [ "$current" != = ] || current=''
    _evo_token_values "$command $option"
    _evo_token_offer "$values"
    return
  fi
  case $current in
    -*) _evo_token_offer "$options" ;;
    *)
      _evo_token_values "$command $count" || values=$options
      _evo_token_offer "$values" ;;
  esac
}

complete -F _evo_token evo-token
`
}

/** Places with the same values share a line. */
function values(commands: readonly Command[]): string[] {
  const places = new Map<string, string[]>()
  const add = (command: Command, place: string | number, what: Values | 'program') => {
    const key = typeof what === 'string' ? what : what.join(' ')
    const pattern = `'${command.words.join(' ')} ${place}'`
    places.set(key, [...(places.get(key) ?? []), pattern])
  }
  for (const command of commands) {
    for (const [name, option] of Object.entries(command.options)) {
      const what = valuesOfOption(option)
      if (what !== undefined) add(command, `--${name}`, what)
    }
    for (const [index, argument] of placedArguments(command).entries()) {
      add(command, index + 1, valuesOfArgument(argument))
    }
    if (takesRest(command)) add(command, '--', 'program')
  }
  return [...places].map(
    ([what, patterns]) => `    ${patterns.join(' | \\\n      ')})\n      values='${what}' ;;`,
  )
}
