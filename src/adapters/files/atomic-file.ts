/**
 * Replaces a file as a whole and durably: a reader sees the old or the new content, even after a power
 * cut. The file is created with its mode, never changed to it.
 */
import { randomBytes } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { platform } from '../../platform/current.ts'

/** The names that `writeFileAtomically` gives. */
const TEMPORARY_NAME = /^\..+\.[0-9a-f]{12}\.tmp$/

export async function writeFileAtomically(
  path: string,
  data: string | Uint8Array,
  mode: number,
): Promise<void> {
  const directory = dirname(path)
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeAndSync(temporary, data, mode)
    await platform.files.replaceFile(temporary, path)
  } catch (error) {
    await platform.files.removeFile(temporary)
    throw error
  }
  await platform.files.syncDirectory(directory)
}

async function writeAndSync(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Deletes what a kill during `writeFileAtomically` left. Only for a directory where no other process writes. */
export async function removeTemporaries(directory: string): Promise<void> {
  const names = await readdir(directory)
  await Promise.all(
    names
      .filter((name) => TEMPORARY_NAME.test(name))
      .map((name) => platform.files.removeFile(join(directory, name))),
  )
}
