/** What git would do with a file. */
import { execFile } from 'node:child_process'
import { lstat, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { SidecarError } from '../../errors.ts'
import { ownership } from '../../platform/chosen.ts'
import { platform } from '../../platform/current.ts'

const run = promisify(execFile)

/**
 * The `.git` directory that has a say about `path`; undefined where there is none.
 *
 * @throws {SidecarError} `failed` where git cannot tell.
 */
export async function gitDirectoryOf(
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!(await insideWorkTree(dirname(path)))) return undefined
  try {
    const { stdout } = await git(path, ['rev-parse', '--absolute-git-dir'], signal)
    return stdout.replace(/\n$/, '')
  } catch (error) {
    throw unknown(path, error)
  }
}

/**
 * Whether git leaves `path` out. False for a file that was committed once, whatever ignores it now.
 *
 * @throws {SidecarError} `failed` where git cannot tell.
 */
export async function ignoredByGit(path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await git(path, ['check-ignore', '--quiet', '--', path], signal)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return false
    throw unknown(path, error)
  }
}

/** Looked for without git: a machine may lack it, or refuse a repository of another user. */
async function insideWorkTree(directory: string): Promise<boolean> {
  if (await isRepository(directory)) return true
  const parent = dirname(directory)
  return parent !== directory && insideWorkTree(parent)
}

/** As git finds one: a directory with a HEAD, or the file of a linked work tree or a submodule. */
async function isRepository(directory: string): Promise<boolean> {
  const path = join(directory, '.git')
  // What cannot be looked at is no repository to git either.
  const found = await stat(path).catch(() => undefined)
  if (!found || (await isPlanted(path, directory))) return false
  if (!found.isDirectory()) return found.isFile()
  return (await lstat(join(path, 'HEAD')).catch(() => undefined)) !== undefined
}

/** Whether another user made it in a place where every user may, such as `/tmp`: git does not trust it either. */
async function isPlanted(path: string, directory: string): Promise<boolean> {
  const [found, { mode }] = await Promise.all([lstat(path), stat(directory)])
  return !ownership.isOwn(found) && (mode & EVERY_USER_WRITES) !== 0
}

/** The sticky bit, and the right of every user to write. */
const EVERY_USER_WRITES = 0o1002

async function git(path: string, args: readonly string[], signal: AbortSignal) {
  // Variables such as GIT_DIR would lead to another repository.
  const { PATH, HOME } = process.env
  const env = { PATH, HOME }
  return run('git', ['-C', dirname(path), ...args], { env, signal, killSignal: 'SIGKILL' })
}

function unknown(path: string, cause: unknown): SidecarError {
  return new SidecarError('failed', `git cannot say whether ${path} could be committed.`, {
    hint: `See what \`git -C ${platform.quoted(dirname(path))} status\` says.`,
    cause,
  })
}
