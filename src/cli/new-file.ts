/** A file that a command makes for a secret. */
import { openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { diskErrorInWords, isDiskError, wayOutOf } from '../adapters/files/disk-errors.ts'
import { SidecarError } from '../errors.ts'

/** Creates a file with mode 0600 and opens it. @throws {SidecarError} `failed`, also where it exists. */
export function createFile(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    if (!isDiskError(error)) throw error
    const { why, hint } = explainFailure(path, error)
    throw new SidecarError('failed', `${path} cannot be created: ${why}.`, { cause: error, hint })
  }
}

function explainFailure(
  path: string,
  error: NodeJS.ErrnoException & { code: string },
): { why: string; hint: string } {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  if (isDirectory) {
    return { why: 'it is a directory', hint: 'Name a file in it with --out.' }
  }
  switch (error.code) {
    case 'EEXIST':
      return {
        why: 'it exists already',
        hint: 'Name another with --out, or remove that one.',
      }
    case 'ENOENT':
      return {
        why: `there is no directory ${dirname(path)}`,
        hint: 'Make the directory, or name a file elsewhere with --out.',
      }
    default:
      return { why: diskErrorInWords(error), hint: wayOutOf(error) }
  }
}
