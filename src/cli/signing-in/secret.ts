/**
 * `secret`: stores a client secret, or the private key that some apps have in its place. A secret
 * comes from a hidden prompt or from stdin, a key from a file or from stdin; neither from argv.
 */
import { readClientSecret } from '../../adapters/app-secrets/client-secret-text.ts'
import { decodeText } from '../../core/file-text.ts'
import { SidecarError } from '../../errors.ts'
import { Secret } from '../../secret.ts'
import { appPath, createClient } from '../../client/connection.ts'
import type { CommandRow, Invocation } from '../command.ts'
import { APP, OWNER_OPTIONS } from '../options.ts'
import type { Io } from '../io.ts'
import { isPromptLeft } from '../prompts.ts'
import { SECRET_MAX_LENGTH } from '../../core/client-secret.ts'

export const secret: CommandRow = {
  details:
    'An app whose tokenEndpointAuthMethod is private_key_jwt has a private key in place of a client secret: --private-key stores that.',
  arguments: [APP],
  options: {
    'private-key': {
      type: 'string',
      placeholder: 'FILE',
      description: 'Store the private key in FILE (- for stdin), PEM (PKCS#8) or JWK.',
    },
    ...OWNER_OPTIONS,
  },
  examples: [
    { line: 'evo-token secret evo-pipeline', says: 'Asks for it.' },
    {
      line: 'pass show evo/pipeline | evo-token secret evo-pipeline',
      says: 'Reads it from stdin.',
    },
    {
      line: 'evo-token secret evo-pipeline --private-key key.pem',
      says: 'For an app that signs in with a key.',
    },
  ],
  run,
}

/** The longest secret in UTF-16, with blanks around it. */
const STDIN_MAX_BYTES = 4 * SECRET_MAX_LENGTH

async function run(invocation: Invocation): Promise<number> {
  const { argument, text, io } = invocation
  const app = argument('APP')
  const keyFile = text('private-key')
  const client = createClient(invocation.place)
  // Fails for an unknown app or a missing daemon before the person types anything.
  await client.ask({ path: appPath(app) })
  const secret =
    keyFile !== undefined
      ? await readPrivateKeySecret(keyFile, io)
      : io.stdin.isTTY
        ? await askHidden(app, io)
        : await readStdin(io)
  if (!secret) {
    io.stderr.write('Nothing was stored.\n')
    return 1
  }
  const value = secret.expose()
  const { proven } = await client.ask({
    method: 'PUT',
    path: appPath(app, '/client-secret'),
    body: keyFile === undefined ? { client_secret: value } : { private_key: value },
  })
  const how =
    proven === true
      ? 'its authorization server accepted it.'
      : 'it is proven when it is used next. Until then the one before it is kept as well.'
  const what = keyFile === undefined ? 'client secret' : 'private key'
  io.stderr.write(`The ${what} of ${app} is stored: ${how}\n`)
  return 0
}

async function readPrivateKeySecret(file: string, io: Io): Promise<Secret> {
  const { readKeyFile } = await import('./private-key-file.ts')
  return checkSecret(await readKeyFile(file, io), 'private key')
}

/** Undefined if the person cancelled. */
async function askHidden(app: string, { stdin, stderr }: Io): Promise<Secret | undefined> {
  const { password } = await import('@inquirer/prompts')
  const message = `The client secret of ${app}:`
  try {
    const typed = await password({ message }, { input: stdin, output: stderr })
    const read = readClientSecret(typed)
    if (read.kind === 'secret' || typed.trim() === '') return checkSecret(typed.trim())
    throw new SidecarError('invalid_request', `The client secret is not stored: ${read.reason}.`, {
      hint: 'Copy it again, without what stands around it.',
    })
  } catch (error) {
    if (isPromptLeft(error)) return undefined
    throw error
  }
}

/** Reads all of stdin, up to a limit: a second line is refused, not left out. */
async function readStdin({ stdin }: Io): Promise<Secret> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    length += bytes.length
    if (length > STDIN_MAX_BYTES) break
  }
  const text = decodeText(Buffer.concat(chunks))
  if (/^\s*$/.test(text.split('\n', 1)[0] ?? '')) return checkSecret('')
  const read = readClientSecret(text)
  if (read.kind === 'secret') return checkSecret(read.text)
  throw new SidecarError('invalid_request', `What came on stdin is not used: ${read.reason}.`, {
    hint: 'Write the client secret as one line. A private key goes in with --private-key FILE.',
  })
}

function checkSecret(text: string, what = 'client secret'): Secret {
  if (text !== '' && text.length <= SECRET_MAX_LENGTH) return new Secret(text)
  const message = text === '' ? `No ${what} was given.` : `That is too long for a ${what}.`
  const hint =
    what === 'client secret'
      ? 'Type it at the prompt, or write it as one line to stdin.'
      : 'An RSA key of 4096 bits fits.'
  throw new SidecarError('invalid_request', message, { hint })
}
