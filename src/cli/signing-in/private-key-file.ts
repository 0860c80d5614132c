/** Reads an app's private key from a file or from stdin, and checks that it can sign. */
import { createReadStream } from 'node:fs'
import { readPrivateKey } from '../../adapters/app-secrets/private-key.ts'
import { diskErrorInWords, isDiskError } from '../../adapters/files/disk-errors.ts'
import { readSmallFile } from '../../adapters/files/small-file.ts'
import { decodeText } from '../../core/file-text.ts'
import { SidecarError } from '../../errors.ts'
import type { Io } from '../io.ts'
import { isPassed } from '../passed-file.ts'

/** Longer files hold something else. */
const LONGEST_FILE = 64 * 1024

/**
 * The key alone, as PEM or JWK. `file` may be `-` for stdin.
 *
 * @throws {SidecarError} `invalid_request`
 */
export async function readKeyFile(file: string, { stdin }: Io): Promise<string> {
  const place = file === '-' ? 'stdin' : `"${file}"`
  const text = file === '-' ? await readStream(stdin) : await readContents(file)
  if (text === undefined) throw toKeyFileFault(`${place} is longer than a private key is.`)
  const read = readPrivateKey(text)
  if (read.kind === 'key') return read.text
  if (read.kind === 'other') throw toKeyFileFault(`${place} holds no private key in PEM or JWK.`)
  throw toKeyFileFault(`The private key in ${place} cannot be used: ${read.reason}.`)
}

async function readContents(file: string): Promise<string | undefined> {
  if (!isPassed(file)) {
    const read = readSmallFile(file, LONGEST_FILE)
    if (read.kind === 'read') return decodeText(read.bytes)
    throw toKeyFileFault(`"${file}" ${read.reason}.`)
  }
  try {
    return await readStream(createReadStream(file))
  } catch (error) {
    if (!isDiskError(error)) throw error
    throw toKeyFileFault(`"${file}" cannot be read: ${diskErrorInWords(error)}.`)
  }
}

/** Undefined where it is too long. */
async function readStream(stream: NodeJS.ReadableStream): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    length += bytes.length
    if (length > LONGEST_FILE) return undefined
  }
  return decodeText(Buffer.concat(chunks))
}

function toKeyFileFault(message: string): SidecarError {
  return new SidecarError('invalid_request', message, {
    hint: 'Give a file with an RSA, EC or Ed25519 private key, as PEM (PKCS#8) or as JWK; or - for stdin.',
  })
}
