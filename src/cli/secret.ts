/** `secret`: stores a client secret. It comes from a hidden prompt or from stdin, never from argv. */
import { SidecarError } from '../errors.ts'
import { Secret } from '../secret.ts'
import { appPath, createClient } from '../client/connection.ts'
import type { Invocation } from './command.ts'
import type { Io } from './io.ts'

/** As much as the daemon takes. */
const LONGEST = 4096

export async function run(invocation: Invocation): Promise<number> {
  const { argument, io } = invocation
  const app = argument('APP')
  const client = createClient(invocation.place)
  // Before a person types anything: whether there is such an app, and a daemon at all.
  await client.ask({ path: appPath(app) })
  const secret = io.stdin.isTTY ? await askHidden(app, io) : await firstLine(io)
  if (!secret) {
    io.stderr.write('Nothing was stored.\n')
    return 1
  }
  const { proven } = await client.ask({
    method: 'PUT',
    path: appPath(app, '/client-secret'),
    body: { client_secret: secret.expose() },
  })
  const how =
    proven === true
      ? 'its authorization server accepted it.'
      : 'it is proven when it is used next. Until then the one before it, if any, is kept as well.'
  io.stderr.write(`The client secret of ${app} is stored: ${how}\n`)
  return 0
}

/** Undefined where the person gave up. */
async function askHidden(app: string, { stdin, stderr }: Io): Promise<Secret | undefined> {
  const { password } = await import('@inquirer/prompts')
  const message = `The client secret of ${app}:`
  try {
    return toSecret(await password({ message }, { input: stdin, output: stderr }))
  } catch (error) {
    // How the prompts tell of Ctrl-C.
    if (error instanceof Error && error.name === 'ExitPromptError') return undefined
    throw error
  }
}

async function firstLine({ stdin }: Io): Promise<Secret> {
  let text = ''
  for await (const chunk of stdin.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (text.includes('\n') || text.length > LONGEST + 2) break
  }
  return toSecret(/^[^\r\n]*/.exec(text)?.[0] ?? '')
}

function toSecret(text: string): Secret {
  if (text !== '' && text.length <= LONGEST) return new Secret(text)
  const message =
    text === '' ? 'No client secret was given.' : 'That is too long for a client secret.'
  throw new SidecarError('invalid_request', message, {
    hint: 'Type it at the prompt, or write it as one line to stdin.',
  })
}
