/** A file that a command makes for a secret. */
import { openSync } from 'node:fs'
import { diskErrorInWords, isDiskError, wayOutOf } from '../adapters/files/disk-errors.ts'
import { SidecarError } from '../errors.ts'

/** A new file of this user alone. @throws {SidecarError} `failed`, also where there is one already. */
export function createFile(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    if (!isDiskError(error)) throw error
    const isThere = error.code === 'EEXIST'
    const why = isThere ? 'there is a file already' : diskErrorInWords(error)
    throw new SidecarError('failed', `${path} cannot be made: ${why}.`, {
      cause: error,
      hint: isThere ? 'Name another with --out, or remove that one.' : wayOutOf(error),
    })
  }
}
