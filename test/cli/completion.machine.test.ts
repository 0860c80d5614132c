/** The completion scripts in the shells themselves, with the built program on PATH and a daemon that knows names. */
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadCommands } from '../../src/cli/commands.ts'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { run, type StandIn, startStandIn, status } from './stand-in.ts'

const commands = await loadCommands()

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
  autoload -Uz compinit && compinit -u -C
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
    # An exit would wait until the list has been read from the terminal.
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
  const program = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`
  writeFileSync(join(home, 'bin/evo-token'), program, { mode: 0o755 })
})

afterAll(() => {
  rmSync(home, { recursive: true, force: true })
})

/** Names that no app or caller can have are words of something that only poses as the daemon. */
const APPS = ['evo-me', 'evo-pipeline', '$(touch owned)', '`touch owned`', 'a b']
const CALLERS = ['local', 'notebook', '; touch owned']

function startNamed(): Promise<StandIn> {
  return startStandIn({
    'GET /v1/apps': () => ({ json: { apps: APPS.map((app) => status({ app })) } }),
    'GET /v1/callers': () => ({ json: { callers: CALLERS.map((name) => ({ name })) } }),
  })
}

/** The script of a shell, in a file; made once. */
async function scriptOf(shell: string): Promise<string> {
  const script = join(home, `script.${shell}`)
  if (!existsSync(script)) {
    writeFileSync(script, (await run({ env: {} }, ['completion', shell])).stdout)
  }
  return script
}

/** What is offered at the end of `line`, sorted. */
async function offered(
  shell: string,
  line: string,
  daemon?: Pick<StandIn, 'env'>,
): Promise<string[]> {
  const script = await scriptOf(shell)
  const matches = join(home, 'matches')
  writeFileSync(matches, '')
  const { EVO_TOKEN_RUNTIME_DIR = home, EVO_TOKEN_STATE_DIR = join(home, 'state') } =
    daemon?.env ?? {}
  const env = {
    PATH: [join(home, 'bin'), process.env.PATH].join(delimiter),
    HOME: home,
    ZDOTDIR: home,
    TERM: 'xterm',
    EVO_TOKEN_RUNTIME_DIR,
    EVO_TOKEN_STATE_DIR,
    EVO_TEST_SCRIPT: script,
    EVO_TEST_LINE: line,
    EVO_TEST_MATCHES: matches,
  }
  const words = line.split(/ +|(?==)|(?<==)(?!$)/)
  const args = {
    bash: ['--norc', '-c', IN_BASH, 'bash', ...words],
    zsh: ['-fc', IN_ZSH],
    fish: ['--no-config', '-c', IN_FISH],
  }[shell]
  const { stdout, stderr } = await execute(shell, args ?? [], { env, cwd: join(home, 'files') })
  expect(stderr).toBe('')
  expect(readdirSync(join(home, 'files'))).toEqual(['a-directory', 'a-file.json'])
  const lines = (shell === 'zsh' ? readFileSync(matches, 'utf8') : stdout).split('\n')
  // Fish says what it is behind a tab, and repeats the option before a value; a directory may end with /.
  const found = lines.map((one) => one.replace(/\t.*/, '').replace(/^--[\w-]+=|\/$/g, ''))
  return [...new Set(found)].filter(Boolean).sort()
}

/** What is typed where SOCKET is that of the daemon, and STATE a state directory that leads to it. */
const MEANT = [
  'get --socket SOCKET ',
  'get --socket=SOCKET ',
  'get --state-dir STATE --min-ttl 5 evo-',
  'get --state-dir=STATE ',
  'get --state-dir ~/state ',
  'get --state-dir=~/state ',
  "login --socket 'SOCKET' ",
  'login --socket "SOCKET" ',
  "login --socket QUOTED\\'SOCKET ",
  'caller add x --state-dir /nowhere --socket SOCKET --app ',
]

describe.each(['bash', 'zsh', 'fish'])('in %s', (shell) => {
  const it = itNeeds(missingCommands(shell))

  it('parses', async () => {
    const { stdout } = await run({ env: {} }, ['completion', shell])
    writeFileSync(join(home, 'parsed'), stdout)
    expect(await execute(shell, ['-n', join(home, 'parsed')])).toEqual({ stdout: '', stderr: '' })
  })

  it('offers every first word', async () => {
    const words = [...new Set(commands.map((one) => one.words[0]))]
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
    for (const { words, options } of commands) {
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
    expect(await offered(shell, 'evo-token completion ')).toEqual([
      'bash',
      'fish',
      'powershell',
      'zsh',
    ])
  })

  it('offers the names of apps', async () => {
    await using daemon = await startNamed()
    const apps = ['evo-me', 'evo-pipeline']
    expect(await offered(shell, 'evo-token get ', daemon)).toEqual(apps)
    expect(await offered(shell, 'evo-token get evo-p', daemon)).toEqual(['evo-pipeline'])
    expect(await offered(shell, 'evo-token get --url x --min-ttl=5 ', daemon)).toEqual(apps)
    expect(await offered(shell, 'evo-token caller add notebook --app ', daemon)).toEqual(apps)
    expect(await offered(shell, 'evo-token caller add notebook --app=', daemon)).toEqual(apps)
    expect(await offered(shell, 'evo-token get evo-me ', daemon)).not.toContain('evo-me')
  })

  it('says nothing where no daemon answers', async () => {
    expect(await offered(shell, 'evo-token get ')).toEqual([])
  })

  it('waits for no daemon that hangs', async () => {
    await using daemon = await startStandIn({ 'GET /v1/apps': () => new Promise(() => undefined) })
    const startedAt = Date.now()
    expect(await offered(shell, 'evo-token get ', daemon)).toEqual([])
    expect(Date.now() - startedAt).toBeLessThan(8_000)
  })

  it('offers the names of callers, where one has to be there', async () => {
    await using daemon = await startNamed()
    const callers = ['local', 'notebook']
    expect(await offered(shell, 'evo-token caller remove ', daemon)).toEqual(callers)
    expect(await offered(shell, 'evo-token caller remove no', daemon)).toEqual(['notebook'])
    expect(await offered(shell, 'evo-token get evo-me --caller ', daemon)).toEqual(callers)
    expect(await offered(shell, 'evo-token caller add no', daemon)).toEqual([])
  })

  for (const typed of MEANT) {
    it(`asks the daemon that is meant: ${typed}`, async () => {
      await using daemon = await startNamed()
      const quoted = join(home, "a'")
      rmSync(quoted, { recursive: true, force: true })
      mkdirSync(quoted)
      symlinkSync(daemon.socket, join(quoted, 'sock'))
      mkdirSync(join(home, 'state'), { recursive: true, mode: 0o700 })
      const endpoint = { socket: daemon.socket, url: 'http://127.0.0.1:1', pid: 1 }
      writeFileSync(join(home, 'state/endpoint.json'), JSON.stringify(endpoint), { mode: 0o600 })
      const line = typed
        .replace("QUOTED\\'SOCKET", join(home, "a\\'", 'sock'))
        .replace('SOCKET', daemon.socket)
        .replace('STATE', join(home, 'state'))
      const elsewhere = { env: { EVO_TOKEN_STATE_DIR: join(home, 'another') } }
      const found = await offered(shell, `evo-token ${line}`, elsewhere)
      expect(found.filter((one) => !one.startsWith('-'))).toEqual(['evo-me', 'evo-pipeline'])
    })
  }

  it('asks it also for its callers', async () => {
    await using daemon = await startNamed()
    const typed = `evo-token caller remove --socket ${daemon.socket} `
    expect(await offered(shell, typed)).toEqual(['local', 'notebook'])
    expect(await offered(shell, 'evo-token caller remove ')).toEqual([])
  })

  it('offers an option once, unless it may be repeated', async () => {
    const rest = await offered(shell, 'evo-token get --json --min-ttl 5 --')
    expect(rest).not.toContain('--json')
    expect(rest).not.toContain('--min-ttl')
    expect(rest).toContain('--header')
    expect(await offered(shell, 'evo-token init --scope a --sc')).toEqual(['--scope'])
  })

  it('offers files and directories', async () => {
    const both = ['a-directory', 'a-file.json']
    expect(await offered(shell, 'evo-token config check ')).toEqual(both)
    expect(await offered(shell, 'evo-token serve --config ')).toEqual(both)
    expect(await offered(shell, 'evo-token serve --config=a-f')).toEqual(['a-file.json'])
    expect(await offered(shell, 'evo-token serve --state-dir=')).toEqual(['a-directory'])
    expect(await offered(shell, 'evo-token serve --state-dir ')).toEqual(['a-directory'])
    expect(await offered(shell, 'evo-token get --min-ttl ')).toEqual([])
  })

  it('offers programs behind --', async () => {
    expect(await offered(shell, 'evo-token run evo-me ')).toContain('--')
    expect(await offered(shell, 'evo-token run evo-me -- evo-to')).toEqual(['evo-token'])
    expect(await offered(shell, 'evo-token run evo-me -- cat a-f')).toEqual(['a-file.json'])
  })
})

describe('__complete', () => {
  const complete = (...words: string[]) => run({ env: {} }, ['__complete', ...words])

  it('says what each word means, where the shell shows it', async () => {
    const { code, stdout, stderr } = await complete('zsh', '--', 'vault', '')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^move-key\tmove the key [^\t\n]+\nrotate-key\tmake a new key [^\t\n]+\n$/,
    )
  })

  it('puts words together that bash has taken apart', async () => {
    const url = ['--url', 'http', ':', '//127.0.0.1', ':', '1']
    expect((await complete('bash', '--', 'run', ...url, 'evo-me', '')).stdout).toMatch(/^--\n/)
    expect((await complete('bash', '--', 'init', '--type', '=', 'na')).stdout).toBe('native\n')
    expect((await complete('bash', '--', 'init', '--type', '=')).stdout).toMatch(/^native\nspa\n/)
    // With a COMP_WORDBREAKS that has no `=` in it.
    expect((await complete('bash', '--', 'init', '--type=na')).stdout).toBe('--type=native\n')
  })

  it('has nothing to offer for what is no command, and never fails', async () => {
    for (const words of [
      [],
      ['bash'],
      ['bash', '--'],
      ['bash', '--', 'nothing', ''],
      ['fish', '--', 'caller', 'nothing', ''],
      ['zsh', '--', 'get', 'a', 'b', 'c', '--unknown', '--', ''],
      ['tcsh', '--', "'", '\\'],
    ]) {
      const { code, stderr } = await complete(...words)
      expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' })
    }
  })

  it('is told to no person', async () => {
    expect((await run({ env: {} }, ['--help'])).stdout).not.toContain('__complete')
    expect((await run({ env: {} }, ['__complet'])).stderr).not.toContain('__complete')
  })
})

it('names the shells to a person who names none of them', async () => {
  for (const args of [[], ['tcsh'], ['a secret']]) {
    const { code, stdout, stderr } = await run({ env: {} }, ['completion', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('bash, zsh, fish')
    expect(stderr).not.toMatch(/tcsh|a secret/)
  }
})
