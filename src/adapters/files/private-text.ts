/** Text files that are ours alone, such as a key: none is read that others could have read or written. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'
import { writeFileAtomically } from './atomic-file.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from './disk-errors.ts'

/**
 * The content of a file that is ours alone; undefined where there is none.
 *
 * @throws {SidecarError} `failed`, if others could have read or written it.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    const flags = constants.O_RDONLY | platform.files.NO_FOLLOW | platform.files.NO_WAIT
    const file = await platform.files.whenFree(() => open(path, flags))
    try {
      const stats = await file.stat()
      if (!stats.isFile()) throw toUnsafeError(path, 'is not a regular file', 'move it away')
      if (!ownership.isOwn(stats)) throw toUnsafeError(path, 'belongs to another user', 'chown it')
      if (ownership.othersMayEnter(stats)) {
        throw toUnsafeError(path, 'is open to others', `chmod 600 ${path}`)
      }
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!isDiskError(error)) throw error
    if (error.code === 'ENOENT') return undefined
    throw new SidecarError('failed', `${path} cannot be read: ${diskErrorInWords(error)}.`, {
      cause: error,
      hint: wayOutOf(error),
    })
  }
}

/** @throws {SidecarError} `failed`, when the disk refuses; then the file is as it was. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  try {
    await writeFileAtomically(path, content, 0o600)
  } catch (error) {
    if (!isDiskError(error)) throw error
    throw new SidecarError('failed', `${path} cannot be written: ${diskErrorInWords(error)}.`, {
      cause: error,
      hint: wayOutOf(error),
    })
  }
}

function toUnsafeError(path: string, what: string, mend: string): SidecarError {
  return new SidecarError('failed', `${path} ${what}, so it is not used.`, {
    hint: `If no other user can have changed it, correct that: ${mend}. If another user may have read a key there, delete it.`,
  })
}
