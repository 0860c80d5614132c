import { describe, expect, it } from 'vitest'
import { loadCommands } from '../../src/cli/commands.ts'
import { reportFailure } from '../../src/cli/failures.ts'
import { Secret } from '../../src/secret.ts'
import { captureIo } from '../support/captured-io.ts'
import { run } from './stand-in.ts'

const NOWHERE = { env: { HOME: '/nonexistent', PATH: process.env.PATH } }

const typed = (...args: string[]) => run(NOWHERE, args)

const commands = await loadCommands()

describe('the table of commands', () => {
  it.each(commands)('has help for `$words` that names its options', async (command) => {
    const help = await typed(...command.words, '--help')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain(`Usage: evo-token ${command.words.join(' ')}`)
    for (const [name, { type, placeholder, choices, description }] of Object.entries(
      command.options,
    )) {
      expect(help.stdout).toContain(`--${name}`)
      expect(description).toMatch(/[.)]$/)
      if (type === 'string') expect(placeholder ?? choices).toBeDefined()
    }
    for (const { name } of command.arguments) expect(help.stdout).toContain(name)
  })

  it('keeps every line of help within a usual terminal', async () => {
    const pages = await Promise.all(
      commands.map(({ words }) => typed(...words, '--help')).concat(typed('--help')),
    )
    const lines = pages.flatMap(({ stdout }) => stdout.split('\n'))
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })
})

describe('help', () => {
  it('lists every command, on stdout', async () => {
    const { code, stdout } = await typed('--help')
    expect(code).toBe(0)
    for (const { words } of commands) expect(stdout).toContain(words.join(' '))
  })

  it('is the same for `help get` and `get --help`', async () => {
    expect(await typed('help', 'get')).toEqual(await typed('get', '--help'))
  })

  it('lists the commands of a group', async () => {
    const { code, stdout } = await typed('caller', '--help')
    expect(code).toBe(0)
    expect(stdout).toContain('caller add NAME')
    expect(stdout).not.toContain('vault')
  })

  it('wins over what is missing otherwise', async () => {
    expect(await typed('run', '-h')).toMatchObject({ code: 0 })
  })
})

it('prints the version of the package', async () => {
  const { code, stdout } = await typed('--version')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

describe('a command line that does not fit the table', () => {
  it.each([
    [[], 'No command was given.'],
    [['stauts'], 'There is no command "stauts". Did you mean `evo-token status`?'],
    [['caler', 'add', 'x'], 'Did you mean `evo-token caller add`?'],
    [
      ['caller', 'ad', 'x'],
      'There is no command "caller ad". Did you mean `evo-token caller add`?',
    ],
    [['xyzzy'], 'There is no command "xyzzy".'],
    [['vault'], '`evo-token vault` needs one more word: `evo-token vault move-key`'],
    [['--socket', '/x', 'status'], '--socket is not known here: options follow a command.'],
    [['help', 'stauts'], 'Did you mean `evo-token status`?'],
    [['secret'], '`evo-token secret` needs APP.'],
    [
      ['get', 'Evo-Me'],
      '`evo-token get` needs a name for APP: up to 64 of a-z 0-9 . _ -, a letter or digit first, no capitals.',
    ],
    [['get', '../x'], '`evo-token get` needs a name for APP'],
    [['get', 'a', 'b'], '`evo-token get` does not take "b".'],
    [['get', 'a', '--jsn'], '`evo-token get` has no option --jsn. Did you mean --json?'],
    [['get', 'a', '--bananas'], '`evo-token get` has no option --bananas.'],
    [['get', 'a', '--min-ttl'], '`evo-token get` needs a value for --min-ttl: SECONDS.'],
    [['get', 'a', '--min-ttl', '-5'], 'write --min-ttl=SECONDS if it begins with -'],
    [['get', 'a', '--min-ttl=soon'], 'needs a whole number of seconds for --min-ttl'],
    [['get', 'a', '--json=yes'], '`evo-token get` takes no value for --json.'],
    [['get', 'a', '--json', '--header'], 'takes one of --json and --header'],
    [['vault', 'move-key', '--to', 'cloud'], 'takes one of keychain, file for --to'],
    [['vault', 'move-key'], 'needs --to keychain or --to file'],
    [['run', 'evo-me'], 'needs a program behind `--`'],
    [['run', 'evo-me', 'python'], 'does not take "python" before `--`'],
    [['run', 'evo-me', '--env', '1A', '--', 'true'], 'letters, digits and _ for --env'],
    [['login', 'evo-me', '--device', '--no-browser'], 'takes one of --device, --no-browser'],
  ])('`%j` ends with 2 and says: %s', async (args, said) => {
    const { code, stdout, stderr } = await typed(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(said)
    expect(stderr).toMatch(/See `evo-token.* --help`\.\n$/)
  })
})

describe('a bug', () => {
  function reported(error: unknown) {
    const { io, stderr } = captureIo()
    return { code: reportFailure(error, io), stderr }
  }

  it('ends with 70, and tells where it is', () => {
    const { code, stderr } = reported(new TypeError('x is not a function'))
    expect(code).toBe(70)
    expect(stderr.text).toContain('bug of evo-token')
    expect(stderr.text).toContain('TypeError: x is not a function')
    expect(stderr.text).toContain('run.test.ts')
  })

  it.each([
    'Unexpected token: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl is not JSON',
    'bad key evtk_0123456789abcdefghijklmnopqrstuvwxyzABCDEF',
    'got 8f14e45fceea167a5a36dedd4bea2543',
  ])('does not quote what may be a secret: %s', (message) => {
    const { stderr } = reported(new Error(message))
    expect(stderr.text).toContain('[redacted]')
    expect(stderr.text).not.toMatch(/eyJ|evtk_|8f14e45f/)
  })

  it('does not quote a secret that is at hand, however short', () => {
    const secret = new Secret('hunter2')
    const { stderr } = reported(new Error(`bad secret ${secret.expose()}`))
    expect(stderr.text).toContain(`bad secret ${secret.toString()}`)
  })

  it('is told also where no error was thrown', () => {
    const { code, stderr } = reported('evtk_0123456789abcdefghijklmnopqrstuvwxyzABCDEF')
    expect(code).toBe(70)
    expect(stderr.text).not.toContain('evtk_')
  })

  it('is not a reader that went away', () => {
    const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    expect(reported(gone)).toMatchObject({ code: 0, stderr: { text: '' } })
  })
})

it('says with sudo where the config and the daemon of the person are', async () => {
  const own = await run(NOWHERE, ['status'])
  const { code, stderr } = await run({ env: { ...NOWHERE.env, SUDO_USER: 'ada' } }, ['status'])
  expect(code).toBe(4)
  expect(stderr).toBe(
    `${own.stderr}This ran with sudo: the config and the daemon of ada are found without it.\n`,
  )
})
