/**
 * `shell-init`: prints functions for sh, bash, dash and zsh, which need only curl and start faster than Node,
 * or functions for PowerShell. Those for sh use the owner socket only: curl cannot check a daemon's proof on TCP, and
 * without it no key is shown. Where the socket does not answer they run `evo-token get`, if it is installed.
 */
import { resolve } from 'node:path'
import { findDaemonPlaces } from '../../client/daemon-address.ts'
import { ERROR_CODES } from '../../core/error-codes.ts'
import { platform } from '../../platform/current.ts'
import { MACHINE_SOCKET as machine } from '../../platform/posix/owner-endpoint.ts'
import { quoted } from '../../platform/posix/shell-quoted.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { OWNER_OPTIONS } from '../options.ts'
import { powershellFunctions } from './powershell-functions.ts'

export const shellInit: CommandRow = {
  details:
    'Defines `evo_token APP`, and `evo_curl APP URL…`, which is curl with the token. For PowerShell: `evo_token APP`, and `Invoke-EvoRequest APP URL`, which is Invoke-RestMethod with the token.',
  arguments: [],
  options: {
    shell: {
      type: 'string',
      placeholder: 'SHELL',
      choices: ['sh', 'powershell'],
      description: 'The shell that reads them (sh; on Windows powershell).',
    },
    ...OWNER_OPTIONS,
  },
  examples: [
    { line: 'eval "$(evo-token shell-init)"', says: 'For ~/.bashrc or ~/.zshrc.' },
    {
      line: 'evo-token shell-init --shell powershell | Out-String | Invoke-Expression',
      says: 'For $PROFILE.',
    },
  ],
  run,
}

const CODES_WITH_EXIT = [
  'login_required',
  'misconfigured',
  'unavailable',
  'vault_locked',
  'record_newer',
  'stopping',
  'unknown_app',
] as const

async function run(invocation: Invocation): Promise<number> {
  const { io, text } = invocation
  if ((text('shell') ?? platform.shell) === 'powershell') {
    io.stdout.write(powershellFunctions({ socket: text('socket'), stateDir: text('state-dir') }))
    return 0
  }
  const places = findDaemonPlaces(invocation.place)
  const named = text('socket')
  const find =
    named === undefined
      ? `  evo_socket=$(sed -n 's/.*"socket":"\\([^"\\\\]*\\)".*/\\1/p' ${quoted(places.endpoint)} 2>/dev/null)
  [ -S "$evo_socket" ] || evo_socket=${quoted(places.socket)}
  # The machine's, for its owners, where there is none of one's own.
  if [ ! -S "$evo_socket" ] && [ -S ${machine} ] && [ -w ${machine} ]; then
    evo_socket=${machine}
  fi`
      : `  evo_socket=${quoted(resolve(named))}`
  // Root may use the socket of any user's daemon, but only where root itself names it.
  const trusted = named === undefined ? '' : '[ "$(id -u)" = 0 ] || '
  const options = [
    `--state-dir ${quoted(resolve(places.stateDir))}`,
    ...(named === undefined ? [] : [`--socket ${quoted(resolve(named))}`]),
  ]
  io.stdout.write(shellFunctions(find, trusted, options.join(' ')))
  return 0
}

/** Subshells keep the variables from the caller's; the names avoid those that zsh reserves. */
function shellFunctions(find: string, trusted: string, options: string): string {
  const exits = CODES_WITH_EXIT.map(
    (code) => `  *'"error":"${code}"'*) exit ${ERROR_CODES[code].exit} ;;`,
  )
  return `# evo-token shell-init: no token is ever an argument or in the environment.
evo_token() (
  [ $# -eq 1 ] || { echo 'usage: evo_token APP' >&2; exit 2; }
  case $1 in '' | [!a-z0-9]* | *[!a-z0-9._-]*)
    echo "evo_token: \\"$1\\" is not an app name." >&2
    exit 2 ;;
  esac
  evo_app=$1
  # Asks the service manager, knows other ways in, and says what is wrong.
  evo_instead() {
    if command -v evo-token >/dev/null 2>&1; then
      evo-token get "$evo_app" ${options}
      exit
    fi
    echo "evo_token: $1" >&2
    exit 4
  }
${find}
  [ -S "$evo_socket" ] ||
    evo_instead "The daemon cannot be reached: there is no \\"$evo_socket\\".
Start the daemon with \\\`evo-token serve\\\`."
  # It has to be ours or root's, in a directory where no other user can replace it.
  ${trusted}[ -z "$(find -H "$evo_socket" "\${evo_socket%/*}" -prune \\( ! -user "$(id -u)" ! -user 0 \\
    -o -type d -perm -020 -o -type d -perm -002 \\) 2>&1)" ] ||
    evo_instead "The socket \\"$evo_socket\\" is not used: others own it, or may replace it."
  # First a sign of life, on the same connection: a token may take long.
  set -- -sS
  if command -v evo-token >/dev/null 2>&1; then
    set -- -s --fail-early --noproxy '*' --max-time 3 --unix-socket "$evo_socket" -o /dev/null \\
      http://localhost/healthz --next -s
  fi
  evo_answer=$(curl -q "$@" --noproxy '*' --max-time 75 --unix-socket "$evo_socket" \\
    -H 'Accept: text/plain' -w '%{http_code}' "http://localhost/v1/apps/$evo_app/token") ||
    evo_instead "The daemon at \\"$evo_socket\\" gives no answer."
  evo_body=\${evo_answer%???}
  case $evo_answer in *200)
    printf '%s\\n' "$evo_body"
    exit 0 ;;
  esac
  case $evo_body in
  *'"error":"'*) ;;
  *) evo_instead "What listens at \\"$evo_socket\\" is not evo-token." ;;
  esac
  # A string of the problem (JSON), as a terminal may show it.
  evo_said() {
    printf '%s\\n' "$evo_body" | sed -nE '/"'"$1"'":"/{
      s/.*"'"$1"'":"(([^"\\\\]|\\\\.)*)".*/\\1/
      s/\\\\\\\\/\\\\\\//g
      s/\\\\(u[0-9a-f]{4}|[bfnrt])/ /g
      s/\\\\"/"/g
      s/\\\\\\//\\\\/g
      p
    }'
  }
  evo_detail=$(evo_said detail) evo_hint=$(evo_said hint)
  [ -z "$evo_detail" ] || printf 'evo_token: %s\\n' "$evo_detail" >&2
  [ -z "$evo_hint" ] || printf '%s\\n' "$evo_hint" >&2
  case $evo_body in
${exits.join('\n')}
  esac
  exit 1
)

evo_curl() (
  [ $# -ge 2 ] || { echo 'usage: evo_curl APP [CURL OPTION]… URL…' >&2; exit 2; }
  evo_app=$1
  shift
  evo_bearer=$(evo_token "$evo_app") || exit
  case $evo_bearer in *[!A-Za-z0-9._~+/=-]*)
    echo "evo_curl: The token of $evo_app has characters that no header can take." >&2
    exit 1 ;;
  esac
  # printf is part of the shell, so its arguments are in no process list. It writes to descriptor 3 of
  # curl, whose stdin stays the caller's; one redirection at a time, because zsh would join two.
  exec 4<&0
  printf 'Authorization: Bearer %s\\n' "$evo_bearer" | (
    exec 3<&0
    exec <&4
    exec 4<&-
    curl --proto-redir '=https' --header @/dev/fd/3 "$@"
  )
)
`
}
