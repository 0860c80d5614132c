/** Asks git whether a file could be committed. */
import { execFile } from 'node:child_process'
import { lstat, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'

const execFileAsync = promisify(execFile)

/**
 * The `.git` directory of the repository that `path` is in; undefined where it is in none.
 *
 * @throws {SidecarError} `failed` where git cannot tell.
 */
export async function findGitDirectory(
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!(await isInsideWorkTree(dirname(path)))) return undefined
  try {
    const { stdout } = await runGit(path, ['rev-parse', '--absolute-git-dir'], signal)
    return stdout.replace(/\n$/, '')
  } catch (error) {
    throw toGitError(path, error)
  }
}

/**
 * Whether git ignores `path`. False for a file that was ever committed, whatever ignores it now.
 *
 * @throws {SidecarError} `failed` where git cannot tell.
 */
export async function isIgnoredByGit(path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await runGit(path, ['check-ignore', '--quiet', '--', path], signal)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return false
    throw toGitError(path, error)
  }
}

/** Found without git, which may be missing, or refuse a repository of another user. */
async function isInsideWorkTree(directory: string): Promise<boolean> {
  if (await isRepository(directory)) return true
  const parent = dirname(directory)
  return parent !== directory && isInsideWorkTree(parent)
}

/** As git decides: a directory with a HEAD, or the file of a linked work tree or a submodule. */
async function isRepository(directory: string): Promise<boolean> {
  const path = join(directory, '.git')
  // git does not use a repository either that it cannot read.
  const found = await stat(path).catch(() => undefined)
  if (!found || (await isPlanted(path, directory))) return false
  if (!found.isDirectory()) return found.isFile()
  return (await lstat(join(path, 'HEAD')).catch(() => undefined)) !== undefined
}

/** Whether another user made it in a directory that every user may write to, such as `/tmp`: git does not trust it either. */
async function isPlanted(path: string, directory: string): Promise<boolean> {
  const [found, { mode }] = await Promise.all([lstat(path), stat(directory)])
  return !ownership.isOwn(found) && (mode & EVERY_USER_WRITES) !== 0
}

/** The sticky bit, and write permission for all. */
const EVERY_USER_WRITES = 0o1002

async function runGit(path: string, args: readonly string[], signal: AbortSignal) {
  // Variables such as GIT_DIR would lead to another repository; these lead to the user's own settings.
  const { PATH, HOME, XDG_CONFIG_HOME, USERPROFILE } = process.env
  const env = { PATH, HOME, XDG_CONFIG_HOME, USERPROFILE }
  const program = platform.programFor('git', env)
  if (program === undefined) throw new Error('there is no git in PATH')
  return execFileAsync(program, ['-C', dirname(path), ...args], {
    env,
    signal,
    killSignal: 'SIGKILL',
  })
}

function toGitError(path: string, cause: unknown): SidecarError {
  return new SidecarError('failed', `git cannot say whether ${path} could be committed.`, {
    hint: `See what \`git -C ${platform.quoted(dirname(path))} status\` says.`,
    cause,
  })
}
