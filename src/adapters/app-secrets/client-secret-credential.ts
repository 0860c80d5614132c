/**
 * Reads an app's client secret, or the private key in its place, from a systemd credential:
 * `LoadCredential=APP.client-secret:…` in the unit.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../core/ports.ts'
import { decodeText } from '../../core/file-text.ts'
import { Secret } from '../../secret.ts'
import { readClientSecret } from './client-secret-text.ts'
import { readPrivateKey } from './private-key.ts'

const MAX_BYTES = 4096

/** Undefined where there is none. One that cannot be used is logged as a warning with its path. */
export function readClientSecretCredential(
  app: string,
  env: Readonly<Record<string, string | undefined>>,
  log: Pick<Log, 'warn'>,
): Secret | undefined {
  if (!env.CREDENTIALS_DIRECTORY) return undefined
  const path = join(env.CREDENTIALS_DIRECTORY, `${app}.client-secret`)
  const read = readCredential(path)
  if (read === undefined || typeof read === 'object') return read
  log.warn({ app, path }, `the client secret ${path} is not used: ${read}`)
  return undefined
}

/** A string says why the file cannot be used; undefined where there is none. */
function readCredential(path: string): Secret | string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (!found) return undefined
    if (!found.isFile()) return 'it is not a file'
    if (found.size > MAX_BYTES) return 'it is longer than 4 KiB'
    const text = decodeText(readFileSync(path))
    // A private key stands on many lines, and is judged where it is used.
    if (readPrivateKey(text).kind !== 'other') return new Secret(text.trim())
    const read = readClientSecret(text)
    return read.kind === 'secret' ? new Secret(read.text) : read.reason
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read'
  }
}
