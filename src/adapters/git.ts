/** What git would do with a file. */
import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The `.git` directory that has a say about `path`; undefined where there is none. */
export async function gitDirectoryOf(path: string): Promise<string | undefined> {
  if (!(await insideWorkTree(dirname(path)))) return undefined
  const { stdout } = await git(path, ['rev-parse', '--absolute-git-dir'])
  return stdout.replace(/\n$/, '')
}

/** Whether git leaves `path` out. False for a file that was committed once, whatever ignores it now. */
export async function ignoredByGit(path: string): Promise<boolean> {
  try {
    await git(path, ['check-ignore', '--quiet', '--', path])
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return false
    throw error
  }
}

/** Looked for without git: a machine may lack it, or refuse a repository of another user. */
async function insideWorkTree(directory: string): Promise<boolean> {
  try {
    await access(join(directory, '.git'))
    return true
  } catch {
    const parent = dirname(directory)
    return parent !== directory && insideWorkTree(parent)
  }
}

async function git(path: string, args: readonly string[]) {
  // Variables such as GIT_DIR would lead to another repository.
  const { PATH, HOME } = process.env
  return run('git', ['-C', dirname(path), ...args], { env: { PATH, HOME } })
}
