/** Replaces a token file whole, for this user alone, without a copy that git would commit. */
import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { platform } from '../../platform/current.ts'

const TOKEN_FILE_MODE = 0o600

/**
 * Replaces the file at `path`. The new file is created in the git directory where there is one:
 * beside `path` its temporary name would not be ignored by git, and a crash could leave it there.
 *
 * @param signal aborted when it is too late to replace the file.
 */
export async function replaceTokenFile(
  path: string,
  bytes: Buffer,
  signal: AbortSignal,
  gitDirectory?: string,
): Promise<void> {
  try {
    await writeAndRename(gitDirectory ?? dirname(path), path, bytes, signal)
  } catch (error) {
    const onAnotherDisk = (error as NodeJS.ErrnoException).code === 'EXDEV'
    if (gitDirectory === undefined || !onAnotherDisk) throw error
    await writeAndRename(dirname(path), path, bytes, signal)
  }
}

async function writeAndRename(
  directory: string,
  path: string,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const temporary = join(directory, `evo-token-${randomBytes(6).toString('hex')}.tmp`)
  const file = await open(temporary, 'wx', TOKEN_FILE_MODE)
  try {
    await file.writeFile(bytes)
    await file.sync()
    await file.close()
    // Too late, it might replace a newer token.
    signal.throwIfAborted()
    await platform.files.replaceFile(temporary, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    await platform.files.removeFile(temporary)
    throw error
  }
}
