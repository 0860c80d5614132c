/** `get`: prints an app's access token. It goes from the answer to stdout and nowhere else. */
import { appPath, askToken, createClient } from '../../client/connection.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP_OR_DEFAULT, CALLER } from '../options.ts'

export const get: CommandRow = {
  arguments: [APP_OR_DEFAULT],
  options: {
    'min-ttl': {
      type: 'string',
      placeholder: 'SECONDS',
      description: 'Get a token that lives at least that long.',
    },
    json: { type: 'boolean', description: 'Print the whole answer, with its expiry.' },
    header: { type: 'boolean', description: 'Print the Authorization header.' },
    ...CALLER,
  },
  examples: [
    {
      line: 'evo-token get evo-me --header | curl -H @- https://…',
      says: 'Keeps the token out of argv.',
    },
  ],
  run,
}

/** The daemon waits 10 s at most for a refresh under way. */
const PATIENCE_MS = 20_000

async function run(invocation: Invocation): Promise<number> {
  const { command, argument, flag, text, io } = invocation
  const minTtl = text('min-ttl')
  const fault =
    minTtl !== undefined && !/^\d{1,9}$/.test(minTtl)
      ? 'needs a whole number of seconds for --min-ttl'
      : flag('json') && flag('header')
        ? 'takes one of --json and --header'
        : undefined
  if (fault !== undefined) {
    const { usageFault } = await import('../usage.ts')
    throw usageFault(command, fault)
  }
  const query = minTtl === undefined ? '' : `?min_ttl=${minTtl}`
  const { accessToken, answer } = await askToken(createClient(invocation.place), {
    path: appPath(argument('APP'), `/token${query}`),
    timeoutMs: PATIENCE_MS,
  })
  if (flag('json')) io.stdout.write(`${JSON.stringify(answer)}\n`)
  else
    io.stdout.write(flag('header') ? `Authorization: Bearer ${accessToken}\n` : `${accessToken}\n`)
  return 0
}
