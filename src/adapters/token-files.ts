/**
 * Files that programs read an access token from. A file is replaced whole, is readable by us alone,
 * and is never written where git would pick it up; what else stands in a `.env` stays as it is.
 */
import { randomBytes } from 'node:crypto'
import { lstat, open, readFile, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import pLimit from 'p-limit'
import type { TokenFile } from '../config.ts'
import type { Log } from '../core/ports.ts'
import type { Sealed } from '../core/token.ts'
import { withoutVariable, withVariable } from './dotenv-text.ts'
import { gitDirectoryOf, ignoredByGit } from './git.ts'

export interface TokenFiles {
  /** Makes the app's files hold this token, or none. Resolves also where that failed: then it is logged. */
  update(app: string, accessToken: Sealed | undefined): Promise<void>
  /** What the config names now; a file that it does not name any more loses its token. */
  configure(files: readonly TokenFile[]): Promise<void>
}

const MODE = 0o600

export function createTokenFiles(configured: readonly TokenFile[], log: Log): TokenFiles {
  let files = new Map(configured.map((file) => [keyOf(file), file]))
  /** What each file was made to hold last: the hash of a token, or undefined for none. */
  const holds = new Map<string, string | undefined>()
  // Two apps may have lines in the same file.
  const oneAtATime = pLimit(1)

  async function updateFile(file: TokenFile, accessToken: Sealed | undefined): Promise<void> {
    const key = keyOf(file)
    if (holds.has(key) && holds.get(key) === accessToken?.sha256) return
    try {
      const path = await targetOf(file.path)
      if (accessToken) await put(path, file, accessToken)
      else await takeOut(path, file)
      holds.set(key, accessToken?.sha256)
    } catch (error) {
      log.error({ app: file.app, file: file.path, err: error }, 'a token file was not updated')
    }
  }

  return {
    async update(app, accessToken) {
      const own = [...files.values()].filter((file) => file.app === app)
      await Promise.all(own.map((file) => oneAtATime(updateFile, file, accessToken)))
    },
    async configure(next) {
      const before = files
      files = new Map(next.map((file) => [keyOf(file), file]))
      const gone = [...before].flatMap(([key, file]) => (files.has(key) ? [] : [file]))
      await Promise.all(gone.map((file) => oneAtATime(updateFile, file, undefined)))
      for (const file of gone) holds.delete(keyOf(file))
    },
  }
}

/** Two settings are of the same place in a file where every word of them is the same. */
function keyOf(file: TokenFile): string {
  const variable = file.format === 'dotenv' ? file.variable : ''
  return JSON.stringify([file.app, file.path, file.format, variable])
}

/** Follows a link of our own, such as that of a dotfile manager; one of somebody else's is replaced. */
async function targetOf(path: string): Promise<string> {
  const absolute = resolve(path)
  const stats = await lstat(absolute).catch(ignoreMissing)
  if (stats?.isSymbolicLink() && stats.uid === process.getuid?.()) return realpath(absolute)
  // A link on the way may lead into a git repository.
  const directory = await realpath(dirname(absolute)).catch(ignoreMissing)
  return directory === undefined ? absolute : join(directory, basename(absolute))
}

async function put(path: string, file: TokenFile, accessToken: Sealed): Promise<void> {
  const gitDirectory = await gitDirectoryOf(path)
  if (gitDirectory !== undefined && !(await ignoredByGit(path))) {
    throw new Error(
      `${path} could be committed: add it to .gitignore, or choose a place outside of the git repository`,
    )
  }
  await replaceFile(path, await contentOf(path, file, accessToken), gitDirectory)
}

async function contentOf(path: string, file: TokenFile, accessToken: Sealed): Promise<Buffer> {
  const token = accessToken.expose()
  switch (file.format) {
    case 'raw':
      return Buffer.from(token)
    case 'json':
      return Buffer.from(`${JSON.stringify({ app: file.app, access_token: token })}\n`)
    case 'dotenv': {
      const value = Buffer.from(token).toString('latin1')
      return toBytes(withVariable((await textOf(path)) ?? '', file.variable, value))
    }
  }
}

/** Also where git does not ignore the file any more: what is in there has to go all the more. */
async function takeOut(path: string, file: TokenFile): Promise<void> {
  if (file.format !== 'dotenv') {
    await rm(path, { force: true })
    return
  }
  const before = await textOf(path)
  if (before === undefined) return
  const after = withoutVariable(before, file.variable)
  if (after !== before) await replaceFile(path, toBytes(after), await gitDirectoryOf(path))
}

/** A character for each byte, so that lines which are not ours come back as they were, whatever they are. */
async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'latin1').catch(ignoreMissing)
}

function toBytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/**
 * The new file begins its life in the git directory where there is one: beside its place it would
 * have a name that git does not ignore, and a crash could leave it there.
 */
async function replaceFile(path: string, bytes: Buffer, gitDirectory?: string): Promise<void> {
  try {
    await writeAndRename(gitDirectory ?? dirname(path), path, bytes)
  } catch (error) {
    const onAnotherDisk = (error as NodeJS.ErrnoException).code === 'EXDEV'
    if (gitDirectory === undefined || !onAnotherDisk) throw error
    await writeAndRename(dirname(path), path, bytes)
  }
}

async function writeAndRename(directory: string, path: string, bytes: Buffer): Promise<void> {
  const temporary = join(directory, `evo-token-${randomBytes(6).toString('hex')}.tmp`)
  const file = await open(temporary, 'wx', MODE)
  try {
    await file.writeFile(bytes)
    await file.sync()
    await file.close()
    await rename(temporary, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(temporary, { force: true })
    throw error
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
