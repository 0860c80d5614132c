/** `get`: prints an app's access token. `get APP` itself does not come here: see `get-quickly.ts`. */
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, CALLER_OPTIONS } from '../options.ts'
import { usageFault } from '../usage.ts'
import { printToken } from './print-token.ts'

export const get: CommandRow = {
  arguments: [APP_OR_DEFAULT],
  options: {
    'min-ttl': {
      type: 'string',
      placeholder: 'SECONDS',
      description: 'Get a token that lives at least that long.',
    },
    json: { type: 'boolean', description: 'Print the whole answer, with the end of the token.' },
    header: { type: 'boolean', description: 'Print the Authorization header.' },
    ...CALLER_OPTIONS,
  },
  examples: [
    {
      line: 'evo-token get evo-me --header | curl -H @- https://…',
      says: 'Keeps the token out of argv.',
    },
  ],
  run,
}

async function run(invocation: Invocation): Promise<number> {
  const { command, argument, flag, text, io, place } = invocation
  const minTtl = text('min-ttl')
  const fault =
    minTtl !== undefined && !/^\d{1,9}$/.test(minTtl)
      ? 'needs a whole number of seconds for --min-ttl'
      : flag('json') && flag('header')
        ? 'takes one of --json and --header'
        : undefined
  if (fault !== undefined) throw usageFault(command, fault)
  const form = flag('json') ? 'json' : flag('header') ? 'header' : undefined
  await printToken(argument('APP'), place, io, { minTtl, ...(form && { form }) })
  return 0
}
