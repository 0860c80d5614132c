/** Reads a file with a secret that a setting of "share" names: a regular file that is closed to other users. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { decodeText } from '../../core/file-text.ts'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { readSmallFile } from '../files/small-file.ts'

const PRIVATE_FILE_MAX_BYTES = 1024 * 1024

/** @throws {SidecarError} `config`, naming the setting, the file and what to do. */
export function readSecretFile(setting: string, path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats && ownership.othersMayEnter(stats)) {
    throw settingRefusal(setting, `${path} is open to other users`, `Close it: chmod 600 ${path}`)
  }
  const read = readSmallFile(path, PRIVATE_FILE_MAX_BYTES)
  if (read.kind === 'read') return decodeText(read.bytes)
  throw settingRefusal(setting, `${path} ${read.reason}`, 'Correct the path, or make the file.')
}

/** The credential of that name, where systemd passed one. */
export function readCredential(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (!env.CREDENTIALS_DIRECTORY) return undefined
  const read = readSmallFile(join(env.CREDENTIALS_DIRECTORY, name), PRIVATE_FILE_MAX_BYTES)
  return read.kind === 'read' ? decodeText(read.bytes) : undefined
}

function settingRefusal(setting: string, message: string, hint: string): SidecarError {
  return new SidecarError('config', `"${setting}": ${message}.`, { hint })
}
