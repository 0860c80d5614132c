/** The completion scripts in the shells themselves, with an `evo-token` on PATH that only tells its status. */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { run, status } from './stand-in.ts'

const execute = promisify(execFile)

/** Sets the line as bash would, splitting at its COMP_WORDBREAKS, and prints what it is offered. */
const IN_BASH = `
  . "$EVO_TEST_SCRIPT"
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _evo_token
  printf '%s\\n' "\${COMPREPLY[@]}"
`

/** A line editor on a terminal of its own: most of completion runs in nothing less. */
const IN_ZSH = `
  zmodload zsh/zpty
  zpty shell zsh -d -i
  while zpty -r shell line; do :; done
`

const ZSHRC = `
  LISTMAX=-1
  autoload -Uz compinit && compinit -u -D
  . "$EVO_TEST_SCRIPT"
  compadd() {
    if [[ " \${(j: :)@[1,(i)(-|--)]}" == *\\ -(O|A|D)\\ * ]]; then
      builtin compadd "$@"
      return
    fi
    local -a __matches
    builtin compadd -O __matches "$@"
    (( $#__matches )) && print -rl -- $__matches >> "$EVO_TEST_MATCHES"
    builtin compadd "$@"
  }
  zle-line-init() {
    BUFFER=$EVO_TEST_LINE
    CURSOR=$#BUFFER
    zle complete-word
    # An exit would wait until somebody has read the list from the terminal.
    kill -KILL $$
  }
  zle -N zle-line-init
`

const IN_FISH = '. $EVO_TEST_SCRIPT; complete -C $EVO_TEST_LINE'

let home: string

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'evo-completion-'))
  mkdirSync(join(home, 'bin'))
  mkdirSync(join(home, 'files/a-directory'), { recursive: true })
  writeFileSync(join(home, 'files/a-file.json'), '')
  writeFileSync(join(home, '.zshrc'), ZSHRC)
  const program = join(home, 'bin/evo-token')
  writeFileSync(
    program,
    `#!/bin/sh
case "$*" in
  "status --json$EVO_TEST_PLACE") answer=$EVO_TEST_STATUS ;;
  "caller list --json$EVO_TEST_PLACE") answer=$EVO_TEST_CALLERS ;;
esac
[ -n "$answer" ] && { echo "$answer"; exit; }
echo 'The daemon cannot be reached.' >&2
exit 4
`,
  )
  chmodSync(program, 0o755)
})

afterAll(() => {
  rmSync(home, { recursive: true, force: true })
})

const APPS = JSON.stringify({
  apps: [
    status({ app: 'evo-me' }),
    // Words of a server, which must not pass for a name.
    status({ app: 'evo-pipeline', last_error: { detail: 'no "app":"other" here $(touch owned)' } }),
  ],
})

const CALLERS = JSON.stringify({
  callers: ['local', 'notebook'].map((name) => ({ name, apps: ['evo-me'], last_used_at: null })),
})

interface Daemon {
  /** What it says of its apps. */
  readonly apps?: string
  /** The options with which it is found, and no others. */
  readonly place?: readonly string[]
}

/** What is offered at the end of `line`, sorted. */
async function offered(
  shell: string,
  line: string,
  { apps = APPS, place = [] }: Daemon = {},
): Promise<string[]> {
  const script = join(home, `script.${shell}`)
  writeFileSync(script, (await run({ env: {} }, ['completion', shell])).stdout)
  const matches = join(home, 'matches')
  writeFileSync(matches, '')
  const env = {
    PATH: [join(home, 'bin'), process.env.PATH].join(delimiter),
    HOME: home,
    ZDOTDIR: home,
    TERM: 'xterm',
    EVO_TEST_SCRIPT: script,
    EVO_TEST_LINE: line,
    EVO_TEST_MATCHES: matches,
    EVO_TEST_STATUS: apps,
    EVO_TEST_CALLERS: CALLERS,
    EVO_TEST_PLACE: place.map((option) => ` ${option}`).join(''),
  }
  const words = line.split(/ +|(?==)|(?<==)(?!$)/)
  const args = {
    bash: ['--norc', '-c', IN_BASH, 'bash', ...words],
    zsh: ['-fc', IN_ZSH],
    fish: ['--no-config', '-c', IN_FISH],
  }[shell]
  const { stdout, stderr } = await execute(shell, args ?? [], { env, cwd: join(home, 'files') })
  expect(stderr).toBe('')
  const lines = (shell === 'zsh' ? readFileSync(matches, 'utf8') : stdout).split('\n')
  // Fish says what it is behind a tab, and repeats the option before a value; a directory may end with /.
  const found = lines.map((one) => one.replace(/\t.*/, '').replace(/^--[\w-]+=|\/$/g, ''))
  return [...new Set(found)].filter(Boolean).sort()
}

/** What is typed, and the options with which the daemon is asked for the names of its apps. */
const MEANT: readonly (readonly [string, readonly string[]])[] = [
  ['get --socket /a/owner.sock ', ['--socket=/a/owner.sock']],
  ['get --socket=/a/owner.sock ', ['--socket=/a/owner.sock']],
  ['get --state-dir ~/state --min-ttl 5 evo-', ['--state-dir=HOME/state']],
  ['get --state-dir=~/state ', ['--state-dir=HOME/state']],
  ["login --socket '/a/owner.sock' ", ['--socket=/a/owner.sock']],
  ["login --socket /a\\'b ", ["--socket=/a'b"]],
  ['caller add x --state-dir /s --socket /a --app ', ['--state-dir=/s', '--socket=/a']],
]

describe.each(['bash', 'zsh', 'fish'])('in %s', (shell) => {
  const it = itNeeds(missingCommands(shell))

  it('parses', async () => {
    const { stdout } = await run({ env: {} }, ['completion', shell])
    writeFileSync(join(home, 'parsed'), stdout)
    expect(await execute(shell, ['-n', join(home, 'parsed')])).toEqual({ stdout: '', stderr: '' })
  })

  it('offers every first word', async () => {
    const words = [...new Set(COMMANDS.map((one) => one.words[0]))]
    const found = await offered(shell, 'evo-token ')
    expect(found.filter((word) => !word.startsWith('-'))).toEqual(words.sort())
    expect(await offered(shell, 'evo-token -')).toEqual(
      expect.arrayContaining(['--help', '--version']),
    )
  })

  it('offers second words', async () => {
    const found = await offered(shell, 'evo-token caller ')
    expect(found.filter((word) => !word.startsWith('-'))).toEqual(['add', 'list', 'remove'])
    expect(await offered(shell, 'evo-token vault ro')).toEqual(['rotate-key'])
  })

  it('offers the options of each command', async () => {
    for (const { words, options } of COMMANDS) {
      const known = [...Object.keys(options), 'help'].map((name) => `--${name}`).sort()
      const found = await offered(shell, `evo-token ${words.join(' ')} --`)
      expect([words, found.filter((one) => one !== '--')]).toEqual([words, known])
    }
  })

  it('offers choices', async () => {
    const keys = ['auto', 'credential', 'file', 'keychain']
    expect(await offered(shell, 'evo-token init --vault-key ')).toEqual(keys)
    expect(await offered(shell, 'evo-token init --vault-key=')).toEqual(keys)
    expect(await offered(shell, 'evo-token serve --log-level=de')).toEqual(['debug'])
    expect(await offered(shell, 'evo-token completion ')).toEqual(['bash', 'fish', 'zsh'])
  })

  it('offers the names of apps', async () => {
    const apps = ['evo-me', 'evo-pipeline']
    expect(await offered(shell, 'evo-token get ')).toEqual(apps)
    expect(await offered(shell, 'evo-token get evo-p')).toEqual(['evo-pipeline'])
    expect(await offered(shell, 'evo-token get --url x --min-ttl=5 ')).toEqual(apps)
    expect(await offered(shell, 'evo-token caller add notebook --app ')).toEqual(apps)
    expect(await offered(shell, 'evo-token get evo-me ')).not.toContain('evo-me')
  })

  it('says nothing where no daemon answers', async () => {
    expect(await offered(shell, 'evo-token get ', { apps: '' })).toEqual([])
  })

  it('offers the names of callers, where one has to be there', async () => {
    const callers = ['local', 'notebook']
    expect(await offered(shell, 'evo-token caller remove ')).toEqual(callers)
    expect(await offered(shell, 'evo-token caller remove no')).toEqual(['notebook'])
    expect(await offered(shell, 'evo-token get evo-me --caller ')).toEqual(callers)
    expect(await offered(shell, 'evo-token caller add no')).toEqual([])
  })

  for (const [typed, options] of MEANT) {
    it(`asks the daemon that is meant: ${typed}`, async () => {
      const place = options.map((option) => option.replace('HOME', home))
      const found = await offered(shell, `evo-token ${typed}`, { place })
      expect(found.filter((one) => !one.startsWith('-'))).toEqual(['evo-me', 'evo-pipeline'])
    })
  }

  it('asks it also for its callers', async () => {
    const place = ['--state-dir=/s']
    expect(await offered(shell, 'evo-token caller remove --state-dir /s ', { place })).toEqual([
      'local',
      'notebook',
    ])
    expect(await offered(shell, 'evo-token caller remove ', { place })).toEqual([])
  })

  it('offers files and directories', async () => {
    const both = ['a-directory', 'a-file.json']
    expect(await offered(shell, 'evo-token config check ')).toEqual(both)
    expect(await offered(shell, 'evo-token serve --config ')).toEqual(both)
    expect(await offered(shell, 'evo-token serve --state-dir ')).toEqual(['a-directory'])
    expect(await offered(shell, 'evo-token get --min-ttl ')).toEqual([])
  })

  it('offers programs behind --', async () => {
    expect(await offered(shell, 'evo-token run evo-me ')).toContain('--')
    expect(await offered(shell, 'evo-token run evo-me -- evo-to')).toEqual(['evo-token'])
    expect(await offered(shell, 'evo-token run evo-me -- cat a-f')).toEqual(['a-file.json'])
  })
})

it('names the shells to whoever names none of them', async () => {
  for (const args of [[], ['tcsh'], ['a secret']]) {
    const { code, stdout, stderr } = await run({ env: {} }, ['completion', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('bash, zsh, fish')
    expect(stderr).not.toMatch(/tcsh|a secret/)
  }
})
