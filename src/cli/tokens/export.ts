/** `export`: prints the access token as variables, for a shell or a program to read. */
import { VARIABLE_PATTERN } from '../../core/names.ts'
import { appPath, askToken, createClient } from '../../client/connection.ts'
import { quoted } from '../../platform/posix/shell-quoted.ts'
import { withVariable } from '../../adapters/token-files/dotenv-text.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, CALLER_OPTIONS } from '../options.ts'
import { usageFault } from '../usage.ts'

type Variables = Readonly<Record<string, string>>

const FORMAT_BY_SHELL: Readonly<Record<string, (variables: Variables) => string>> = {
  sh: (variables) => formatVariables(variables, (name, value) => `export ${name}=${quoted(value)}`),
  powershell: (variables) =>
    formatVariables(variables, (name, value) => `$env:${name} = '${value.replaceAll("'", "''")}'`),
  dotenv: (variables) =>
    Object.entries(variables).reduce((text, [name, value]) => withVariable(text, name, value), ''),
  json: (variables) => `${JSON.stringify(variables)}\n`,
}

export const exportToken: CommandRow = {
  details:
    'The shell keeps this one token, which ends. For a program that runs longer use `evo-token run`, which also tells it where to get the next one.',
  arguments: [APP_OR_DEFAULT],
  options: {
    format: {
      type: 'string',
      choices: Object.keys(FORMAT_BY_SHELL),
      description: 'The format (sh, which bash, zsh and fish read too).',
    },
    env: {
      type: 'string',
      placeholder: 'NAME',
      description: 'The variable that gets the token (EVO_ACCESS_TOKEN).',
    },
    ...CALLER_OPTIONS,
  },
  examples: [
    { line: 'eval "$(evo-token export)"', says: 'Sets EVO_ACCESS_TOKEN in this shell.' },
    {
      line: 'evo-token export --format powershell | Invoke-Expression',
      says: 'The same in PowerShell.',
    },
  ],
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const { command, argument, text, io } = invocation
  const app = argument('APP')
  const variable = text('env') ?? 'EVO_ACCESS_TOKEN'
  if (!VARIABLE_PATTERN.test(variable)) {
    throw usageFault(command, 'needs letters, digits and _ for --env, and no digit first')
  }
  const format = FORMAT_BY_SHELL[text('format') ?? 'sh']
  const { accessToken } = await askToken(createClient(invocation.place), {
    path: appPath(app, '/token'),
  })
  io.stdout.write(format?.({ [variable]: accessToken, EVO_TOKEN_APP: app }) ?? '')
  return 0
}

function formatVariables(
  variables: Variables,
  line: (name: string, value: string) => string,
): string {
  return Object.entries(variables)
    .map(([name, value]) => `${line(name, value)}\n`)
    .join('')
}
