/**
 * Reads an app's client secret, or the private key in its place, from a systemd credential:
 * `LoadCredential=APP.client-secret:…` in the unit.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../core/ports.ts'
import { decodeText } from '../../core/file-text.ts'
import { Secret } from '../../secret.ts'
import { readSmallFile } from '../files/small-file.ts'
import { readClientSecret } from './client-secret-text.ts'
import { readPrivateKey } from './private-key.ts'
import { SECRET_MAX_LENGTH } from '../../core/client-secret.ts'

/** The longest secret in UTF-16, with blanks around it. */
const CREDENTIAL_MAX_BYTES = 4 * SECRET_MAX_LENGTH

/** Undefined where there is none. One that cannot be used is logged as a warning with its path. */
export function readClientSecretCredential(
  app: string,
  env: Readonly<Record<string, string | undefined>>,
  log: Pick<Log, 'warn'>,
): Secret | undefined {
  if (!env.CREDENTIALS_DIRECTORY) return undefined
  const path = join(env.CREDENTIALS_DIRECTORY, `${app}.client-secret`)
  const read = readSecretCredential(path)
  if (read === undefined || typeof read === 'object') return read
  log.warn({ app, path }, `the client secret ${path} is not used: ${read}`)
  return undefined
}

/** A string says why the file cannot be used; undefined where there is none. */
function readSecretCredential(path: string): Secret | string | undefined {
  if (!existsSync(path)) return undefined
  const file = readSmallFile(path, CREDENTIAL_MAX_BYTES)
  if (file.kind === 'bad') return `it ${file.reason}`
  const text = decodeText(file.bytes)
  // A private key stands on many lines, and is judged where it is used.
  if (readPrivateKey(text).kind !== 'other') return new Secret(text.trim())
  const read = readClientSecret(text)
  if (read.kind === 'bad') return read.reason
  return read.text.length > SECRET_MAX_LENGTH ? 'it is longer than 4 KiB' : new Secret(read.text)
}
