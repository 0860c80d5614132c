/**
 * `completion`: prints a script with which a shell asks `evo-token __complete` what can be typed. Each line
 * of the answer is a word and, after a tab, its description; or a colon and what the shell completes itself:
 * files, directories, or the command line of another program, which begins after so many words.
 */
import type { CommandRow, Invocation } from '../command.ts'

export const completion: CommandRow = {
  details: 'The shell asks the daemon for the names of apps and callers whenever it completes one.',
  arguments: [
    {
      name: 'SHELL',
      kind: 'choice',
      choices: ['bash', 'zsh', 'fish', 'powershell'],
      description: 'One of bash, zsh, fish and powershell.',
    },
  ],
  options: {},
  examples: [
    { line: 'eval "$(evo-token completion bash)"', says: 'For ~/.bashrc.' },
    { line: 'eval "$(evo-token completion zsh)"', says: 'For ~/.zshrc, below compinit.' },
    { line: 'evo-token completion fish | source', says: 'For ~/.config/fish/config.fish.' },
    {
      line: 'evo-token completion powershell | Out-String | Invoke-Expression',
      says: 'For $PROFILE.',
    },
  ],
  run,
}

/** For bash 3.2 and later. Bash inserts each line as it is, so descriptions are left out. */
const BASH_SCRIPT = `# evo-token completion bash
_evo_token() {
  local line name current=\${COMP_WORDS[COMP_CWORD]}
  [ "$current" != = ] || current=''
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) set -- -f ;;
      :directories) set -- -d ;;
      :programs) set -- -c ;;
      *) COMPREPLY+=("$line"); continue ;;
    esac
    [ "$1" = -c ] || compopt -o filenames 2>/dev/null
    while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen "$1" -- "$current")
  done < <(evo-token __complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}
complete -F _evo_token evo-token
`

/** For \`eval\`, or as the file \`_evo-token\` in a directory of \`$fpath\`. */
const ZSH_SCRIPT = `#compdef evo-token
# evo-token completion zsh
_evo_token() {
  local line
  local -a found
  for line in \${(f)"$(evo-token __complete zsh -- "\${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null </dev/null)"}; do
    case $line in
      :files) compset -P '--*='; _files ;;
      :directories) compset -P '--*='; _files -/ ;;
      :<->) shift \${line#:} words; (( CURRENT -= \${line#:} )); _normal ;;
      *) found+=("\${\${line//:/\\\\:}/$'\\t'/:}") ;;
    esac
  done
  (( $#found )) && _describe evo-token found
}
if [[ $funcstack[1] == _evo_token || $funcstack[1] == _evo-token ]]; then
  _evo_token "$@"
else
  compdef _evo_token evo-token
fi
`

/** For fish 3.2 and later. */
const FISH_SCRIPT = `# evo-token completion fish
function __evo_token
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' "$current")
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    for line in (evo-token __complete fish -- $typed[2..] "$current" 2>/dev/null </dev/null)
        switch $line
            case ':files'
                printf '%s\\n' "$option"(__fish_complete_path "$value")
            case ':directories'
                printf '%s\\n' "$option"(__fish_complete_directories "$value" '')
            case ':*'
                set -l from (math (string sub -s 2 -- $line) + 1)
                complete -C (string join ' ' -- (string escape -- $typed[$from..]) "$current")
            case '*'
                printf '%s\\n' $line
        end
    end
end
complete -c evo-token -e
complete -c evo-token -f -a '(__evo_token)'
`

/**
 * For PowerShell 5.1 and later. 5.1 drops empty arguments, so the last word gets a `+` before it. A `--` without
 * quotes never reaches the script that npm installs: PowerShell removes it.
 */
const POWERSHELL_SCRIPT = `# evo-token completion powershell
Register-ArgumentCompleter -Native -CommandName evo-token -ScriptBlock {
  param($current, $line, $cursor)
  $typed = @($line.CommandElements | Select-Object -Skip 1 |
      Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
  evo-token __complete powershell '--' @typed "+$current" 2>$null | ForEach-Object {
    $word, $says = $_ -split "\`t", 2
    # A line that begins with a colon stands for a path or another command, which PowerShell completes.
    if ($word -notlike ':*' -and $word -like "$current*") {
      if (-not $says) { $says = $word }
      [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $says)
    }
  }
}
`

const SCRIPT_BY_SHELL: Readonly<Record<string, string>> = {
  bash: BASH_SCRIPT,
  zsh: ZSH_SCRIPT,
  fish: FISH_SCRIPT,
  powershell: POWERSHELL_SCRIPT,
}

function run({ argument, io }: Invocation): Promise<number> {
  io.stdout.write(SCRIPT_BY_SHELL[argument('SHELL')] ?? '')
  return Promise.resolve(0)
}
