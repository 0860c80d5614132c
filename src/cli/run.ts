/**
 * From what was typed to an exit code: finds the command, runs it, and reports what went wrong. What
 * only some commands need is imported on demand.
 */
import { NAME_PATTERN } from '../core/names.ts'
import type { Command, Invocation, ParsedArguments } from './command.ts'
import { findCommand } from './commands.ts'
import type { Io } from './io.ts'

export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  try {
    if (argv[0] === '__complete') {
      const { complete } = await import('./completion/complete.ts')
      return await complete(argv.slice(1), io)
    }
    const command = await findCommand(argv)
    if (!command) {
      const { answerWithoutCommand } = await import('./command-line/without-command.ts')
      return await answerWithoutCommand(argv, io)
    }
    const args = argv.slice(command.words.length)
    const typed = readNames(command, args) ?? (await parseAll(command, args))
    if (typed !== 'help') {
      return await command.run(await withDefaults(toInvocation(command, typed, io)))
    }
    const { commandHelp } = await import('./command-line/help.ts')
    io.stdout.write(commandHelp(command))
    return 0
  } catch (error) {
    const { reportFailure } = await import('./failures.ts')
    return reportFailure(error, io)
  }
}

/** Fills in the default app where none was typed. */
async function withDefaults(invocation: Invocation): Promise<Invocation> {
  const { argument } = invocation
  const left = invocation.command.arguments.find(
    ({ name, fallback }) => fallback === 'default-app' && argument(name) === '',
  )
  if (!left) return invocation
  const { defaultApp } = await import('./default-app.ts')
  const app = await defaultApp(invocation)
  return { ...invocation, argument: (name) => (name === left.name ? app : argument(name)) }
}

/** Reads a command line of names alone, such as `status APP`, without the parser. */
function readNames(command: Command, args: readonly string[]): ParsedArguments | undefined {
  const fits =
    args.length === command.arguments.length &&
    command.arguments.every(
      ({ kind }, index) => kind === 'name' && NAME_PATTERN.test(args[index] ?? ''),
    )
  return fits ? { values: {}, positionals: args, rest: [] } : undefined
}

async function parseAll(
  command: Command,
  args: readonly string[],
): Promise<ParsedArguments | 'help'> {
  const { parseArguments } = await import('./command-line/parse.ts')
  return parseArguments(command, args)
}

function toInvocation(
  command: Command,
  { values, positionals, rest }: ParsedArguments,
  io: Io,
): Invocation {
  const text = (option: string) => values[option] as string | undefined
  return {
    command,
    io,
    place: {
      env: io.env,
      socket: text('socket'),
      url: text('url'),
      keyFile: text('key-file'),
      caller: text('caller'),
      stateDir: text('state-dir'),
      ownerOnly: !('url' in command.options),
      say: (words) => io.stderr.write(`${words}\n`),
    },
    rest,
    argument: (name) => positionals[command.arguments.findIndex((one) => one.name === name)] ?? '',
    flag: (option) => values[option] === true,
    text,
    texts: (option) => (values[option] ?? []) as readonly string[],
  }
}
