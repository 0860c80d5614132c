/** Parses what was typed after a command, and says what is wrong with it. */
import { parseArgs } from 'node:util'
import { NAME_PATTERN } from '../../core/names.ts'
import type { SidecarError } from '../../errors.ts'
import type { Argument, Command, Option, ParsedArguments } from '../command.ts'
import { suggestNearest, usageFault } from '../usage.ts'

/** @throws {SidecarError} `invalid_request` */
export async function parseArguments(
  command: Command,
  args: readonly string[],
): Promise<ParsedArguments | 'help'> {
  const expected = command.arguments.filter(({ kind }) => kind !== 'rest')
  const takesRest = expected.length < command.arguments.length
  const restAt = takesRest ? args.indexOf('--') : -1
  const { values, positionals } = await parseOptions(
    command,
    restAt < 0 ? [...args] : args.slice(0, restAt),
  )
  if (values.help === true) return 'help'
  const rest = restAt < 0 ? [] : args.slice(restAt + 1)
  const extra = positionals[expected.length]
  const fault =
    choiceFault(command, values) ??
    expected.map((one, index) => argumentFault(one, positionals[index])).find(Boolean) ??
    (extra === undefined
      ? undefined
      : `does not take ${NAME_PATTERN.test(extra) ? `"${extra}"` : 'anything more'}${takesRest ? ' before `--`' : ''}`) ??
    (takesRest && rest.length === 0 ? 'needs a program behind `--`' : undefined)
  if (fault !== undefined) {
    const isMarkGone = takesRest && restAt < 0 && (await isShellPowershell())
    throw usageFault(command, isMarkGone ? `${fault}; in PowerShell write it as '--'` : fault)
  }
  return { values, positionals, rest }
}

/** PowerShell removes a bare `--` before the script that npm installs gets it. */
async function isShellPowershell(): Promise<boolean> {
  const { platform } = await import('../../platform/current.ts')
  return platform.shell === 'powershell'
}

async function parseOptions(
  command: Command,
  args: string[],
): Promise<Omit<ParsedArguments, 'rest'>> {
  const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    // Node's messages are about its API; ours name the option.
    const { tokens } = parseArgs({ args, options, strict: false, tokens: true })
    for (const token of tokens) {
      const fault = token.kind === 'option' ? await optionFault(command, options, token) : undefined
      if (fault) throw fault
    }
    throw error
  }
}

async function optionFault(
  command: Command,
  options: Readonly<Record<string, Pick<Option, 'type' | 'placeholder'>>>,
  { name, rawName, value }: { name: string; rawName: string; value?: string | undefined },
): Promise<SidecarError | undefined> {
  const option = Object.hasOwn(options, name) ? options[name] : undefined
  if (!option) {
    const known = Object.keys(options).map((one) => `--${one}`)
    return usageFault(command, `has no option ${rawName}`, await suggestNearest(rawName, known))
  }
  if (option.type === 'string') {
    if (value !== undefined && !value.startsWith('-')) return undefined
    const { placeholder = 'VALUE' } = option
    const how = value === undefined ? '' : ` (write ${rawName}=${placeholder} if it begins with -)`
    return usageFault(command, `needs a value for ${rawName}: ${placeholder}${how}`)
  }
  return value === undefined ? undefined : usageFault(command, `takes no value for ${rawName}`)
}

function choiceFault({ options }: Command, values: ParsedArguments['values']): string | undefined {
  for (const [name, { choices }] of Object.entries(options)) {
    const value = values[name]
    if (!choices || value === undefined || choices.includes(String(value))) continue
    return `takes one of ${choices.join(', ')} for --${name}`
  }
  return undefined
}

function argumentFault(
  { name, kind, optional, choices }: Argument,
  value: string | undefined,
): string | undefined {
  const which = choices === undefined ? '' : `: ${choices.join(', ')}`
  if (value === undefined) return optional === true ? undefined : `needs ${name}${which}`
  if (choices && !choices.includes(value)) return `takes one of ${choices.join(', ')} for ${name}`
  if (kind !== 'name' || NAME_PATTERN.test(value)) return undefined
  const capitals = /^[\w.-]+$/.test(value) && /[A-Z]/.test(value) ? ', no capitals' : ''
  return `needs a name for ${name}: up to 64 of a-z 0-9 . _ -, a letter or digit first${capitals}`
}
