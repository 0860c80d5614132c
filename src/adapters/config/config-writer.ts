/** Replaces the config as a whole: a reader finds the old one or the new one. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, type Stats, writeFileSync } from 'node:fs'
import { mkdir, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../files/disk-errors.ts'
import { readConfig } from './config-file.ts'

/**
 * Replaces `before`, the text that was read, with `text`; undefined for a new file. An existing file
 * keeps its mode and owner, and a symbolic link to it stays.
 *
 * @throws {SidecarError} `failed` where it cannot be written, `config` where it is no longer `before`.
 */
export async function writeConfig(
  path: string,
  text: string,
  before: string | undefined,
): Promise<void> {
  try {
    await replaceConfig(path, text, before)
  } catch (error) {
    if (!isDiskError(error)) throw error
    if (error.code === 'ENOENT' && before !== undefined) throw changedError(path)
    throw new SidecarError('failed', `${path} cannot be written: ${diskErrorInWords(error)}.`, {
      hint: wayOutOf(error),
      cause: error,
    })
  }
}

async function replaceConfig(
  path: string,
  text: string,
  before: string | undefined,
): Promise<void> {
  const target = before === undefined ? path : await realpath(path)
  const directory = dirname(target)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const fresh = `${target}.${randomBytes(6).toString('hex')}.new`
  try {
    createLikeOriginal(fresh, text, before === undefined ? undefined : await stat(target))
    if ((await readConfig(target)) !== before) {
      throw changedError(path)
    }
    await platform.files.replaceFile(fresh, target)
  } catch (error) {
    await platform.files.removeFile(fresh)
    throw error
  }
  await platform.files.syncDirectory(directory)
}

function changedError(path: string): SidecarError {
  return new SidecarError('config', `${path} was changed in the meantime; nothing was written.`, {
    hint: 'Run the command again.',
  })
}

function createLikeOriginal(path: string, text: string, original: Stats | undefined): void {
  const file = platform.files.createLike(path, original)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
