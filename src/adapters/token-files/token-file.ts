/**
 * One file that programs read an access token from. It is replaced whole, is readable by us alone, and
 * is never written where git would pick it up; what else stands in a `.env` stays as it is.
 */
import { randomBytes } from 'node:crypto'
import { access, constants, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TokenFile } from '../../config.ts'
import type { ConfigFault } from '../../config/faults.ts'
import type { Sealed } from '../../core/token.ts'
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../files/disk-errors.ts'
import { withoutVariable, withVariable } from './dotenv-text.ts'
import { gitDirectoryOf, ignoredByGit } from './git.ts'
import { findOwnFile, type OwnFile, readOwnFile, refuseOthers } from '../files/own-file.ts'

/** What keeps a file from having its token. */
export interface TokenFileProblem {
  readonly error: 'file_unwritable'
  readonly message: string
  /** What to do about it. */
  readonly hint: string
}

const MODE = 0o600

/** Far larger than any `.env`. */
const MAX_BYTES = 1024 * 1024

/** Local disks take milliseconds; a mount whose server is gone never answers. */
export const PATIENCE_MS = 5_000

export interface Limits {
  /** How long a file may take: then it is given up, for this time. */
  readonly patienceMs: number
  /** Runs `work` when no other work on the file at `path` runs. */
  readonly inTurn: (path: string, work: () => Promise<void>) => Promise<void>
}

/**
 * Makes the file hold this token, or none.
 *
 * @throws {SidecarError} `failed` where what is there is not ours to write; what the disk says.
 */
export async function setToken(
  file: TokenFile,
  token: Sealed | undefined,
  { patienceMs, inTurn }: Limits,
): Promise<void> {
  await inTime(file, patienceMs, async (signal) => {
    const found = await findOwnFile(file.path).catch((error: unknown) => {
      // Without its directory there is no file either.
      if (token || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    })
    if (!found) return
    await inTurn(found.path, async () => {
      signal.throwIfAborted()
      if (!token) await takeOut(found, file, signal)
      else await put(found, file, token, signal)
    })
  })
}

/** What would keep the file from having a token, found out without writing; undefined for nothing. */
export async function examine(file: TokenFile): Promise<TokenFileProblem | undefined> {
  try {
    await inTime(file, PATIENCE_MS, async (signal) => {
      const { path, stats } = await findOwnFile(file.path)
      if (stats) refuseOthers(path, stats)
      if (file.format === 'dotenv') await readOwnFile(path, MAX_BYTES)
      await access(dirname(path), constants.W_OK | constants.X_OK)
      await gitDirectoryIfIgnored(path, signal)
    })
    return undefined
  } catch (error) {
    return toProblem(file, error)
  }
}

/** In words for a person; the token is in none of them. */
export function toProblem({ path }: TokenFile, error: unknown): TokenFileProblem {
  const problem = (message: string, hint: string) =>
    ({ error: 'file_unwritable', message, hint }) as const
  if (error instanceof SidecarError) return problem(error.message, error.hint)
  if (!isDiskError(error)) return problem(`${path} was not written.`, 'See the log of the daemon.')
  return error.code === 'ENOENT'
    ? problem(`The directory of ${path} is not there.`, 'Make it, or correct the path.')
    : problem(`${path} cannot be written: ${diskErrorInWords(error)}.`, wayOutOf(error))
}

/** The problems of the files of a config, in its order, as its warnings are told. */
export function tokenFileWarnings(
  problems: readonly (TokenFileProblem | undefined)[],
): ConfigFault[] {
  return problems.flatMap((problem, index) => {
    if (!problem) return []
    return [{ path: `files[${index}].path`, message: `${problem.message} ${problem.hint}`.trim() }]
  })
}

async function put(
  { path }: OwnFile,
  file: TokenFile,
  token: Sealed,
  signal: AbortSignal,
): Promise<void> {
  const gitDirectory = await gitDirectoryIfIgnored(path, signal)
  await replaceFile(path, await contentOf(path, file, token), signal, gitDirectory)
}

async function gitDirectoryIfIgnored(
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const gitDirectory = await gitDirectoryOf(path, signal)
  if (gitDirectory !== undefined && !(await ignoredByGit(path, signal))) {
    throw new SidecarError(
      'failed',
      `${path} could be committed: add it to .gitignore, or choose a place outside of the git repository.`,
    )
  }
  return gitDirectory
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
async function takeOut(
  { path, stats }: OwnFile,
  file: TokenFile,
  signal: AbortSignal,
): Promise<void> {
  if (!stats) return
  if (file.format !== 'dotenv') {
    signal.throwIfAborted()
    await rm(path, { force: true })
    return
  }
  const before = await textOf(path)
  if (before === undefined) return
  const after = withoutVariable(before, file.variable)
  if (after === before) return
  // Where git cannot tell, the token goes all the same; the other lines were there before.
  const gitDirectory = await gitDirectoryOf(path, signal).catch(() => undefined)
  await replaceFile(path, toBytes(after), signal, gitDirectory)
}

/** A character for each byte, so that lines which are not ours come back as they were, whatever they are. */
async function textOf(path: string): Promise<string | undefined> {
  return (await readOwnFile(path, MAX_BYTES))?.toString('latin1')
}

function toBytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/**
 * The new file begins its life in the git directory where there is one: beside its place it would
 * have a name that git does not ignore, and a crash could leave it there.
 */
async function replaceFile(
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
  const file = await open(temporary, 'wx', MODE)
  try {
    await file.writeFile(bytes)
    await file.sync()
    await file.close()
    // Too late, it might take the place of a newer token.
    signal.throwIfAborted()
    await platform.files.replaceFile(temporary, path)
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(temporary, { force: true })
    throw error
  }
}

/** Rejects when the time is up, whatever `work` waits for; it learns so by its signal. */
async function inTime(
  { path }: TokenFile,
  patienceMs: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `${path} did not answer within ${patienceMs / 1000} seconds.`
      reject(
        new SidecarError('failed', message, { hint: 'See to the disk or mount that it is on.' }),
      )
      over.abort()
    }, patienceMs)
  })
  try {
    await Promise.race([work(over.signal), limit])
  } finally {
    clearTimeout(timer)
  }
}
