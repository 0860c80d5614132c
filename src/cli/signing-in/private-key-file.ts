/** A file that holds an app's private key, or stdin in its place: read, and checked to be one that can sign. */
import { createReadStream } from 'node:fs'
import { readPrivateKey } from '../../adapters/app-secrets/private-key.ts'
import { decodeFileText } from '../../core/file-text.ts'
import { SidecarError } from '../../errors.ts'
import type { Io } from '../io.ts'

/** Longer files hold something else. */
const LONGEST_FILE = 64 * 1024

/**
 * The key alone, as PEM or JWK. `file` may be `-` for stdin.
 *
 * @throws {SidecarError} `invalid_request`
 */
export async function readKeyFile(file: string, { stdin }: Io): Promise<string> {
  const place = file === '-' ? 'stdin' : `"${file}"`
  const text = file === '-' ? await readWhole(stdin) : await readContents(file)
  if (text === undefined) throw fault(`${place} is longer than a private key is.`)
  const read = readPrivateKey(text)
  if (read.kind === 'key') return read.text
  if (read.kind === 'other') throw fault(`${place} holds no private key in PEM or JWK.`)
  throw fault(`The private key in ${place} cannot be used: ${read.reason}.`)
}

async function readContents(file: string): Promise<string | undefined> {
  try {
    const bytes = await readBytes(file)
    return bytes && decodeFileText(bytes)
  } catch (error) {
    // Not a text: the key is in none of these bytes.
    if (error instanceof TypeError) return ''
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw fault(`"${file}" cannot be read (${code}).`)
  }
}

/** Undefined where it is too long. */
async function readBytes(file: string): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  for await (const chunk of createReadStream(file, { end: LONGEST_FILE })) {
    chunks.push(chunk as Buffer)
  }
  const bytes = Buffer.concat(chunks)
  return bytes.length > LONGEST_FILE ? undefined : bytes
}

/** Undefined where it is too long. */
async function readWhole(stream: NodeJS.ReadableStream): Promise<string | undefined> {
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    if (text.length > LONGEST_FILE) return undefined
  }
  return text
}

function fault(message: string): SidecarError {
  return new SidecarError('invalid_request', message, {
    hint: 'Give a file with an RSA, EC or Ed25519 private key, as PEM (PKCS#8) or as JWK; or - for stdin.',
  })
}
