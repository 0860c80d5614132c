/** `get`: prints an app's access token. It goes from the answer to stdout and nowhere else. */
import { appPath, askToken, createClient } from '../../client/connection.ts'
import type { CommandRow, Invocation } from '../command.ts'
import type { Io } from '../io.ts'
import { APP_OR_DEFAULT, CALLER_OPTIONS } from '../options.ts'

// An import of `node:fs` would load much more (see `client/connection.ts`).
const { writeSync } = process.getBuiltinModule('node:fs')

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
  })
  const line = flag('header') ? `Authorization: Bearer ${accessToken}` : accessToken
  writeOut(`${flag('json') ? JSON.stringify(answer) : line}\n`, io)
  return 0
}

/** Writes to the descriptor where that works: loading Node's stream for stdout takes as long as connecting. */
function writeOut(text: string, io: Io): void {
  if (io !== process) {
    io.stdout.write(text)
    return
  }
  const bytes = Buffer.from(text)
  let written = 0
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written)
  } catch {
    // A pipe that is full for now, or closed: the stream handles both.
    io.stdout.write(bytes.subarray(written))
  }
}
