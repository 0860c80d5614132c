/**
 * Writes one file that programs read an access token from. It is replaced as a whole, readable by this
 * user only, and never written where git could commit it; the other lines of a `.env` stay as they are.
 */
import { access, constants } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { TokenFile } from '../../config/config.ts'
import type { Sealed } from '../../core/token.ts'
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import { withoutVariable, withVariable } from './dotenv-text.ts'
import { type OwnPlaces, refuseOwnPlaces } from './own-places.ts'
import { findGitDirectory, isIgnoredByGit } from './git.ts'
import {
  findOwnFile,
  type OwnFile,
  readOwnFile,
  refuseOthers,
  toFileTooLargeError,
} from '../files/own-file.ts'
import { replaceTokenFile } from './replace-token-file.ts'
import { type TokenFileProblem, toTokenFileProblem } from './token-file-problem.ts'
import { requireTokenAlone } from './whole-file.ts'

/** Far larger than any `.env`. */
const TOKEN_FILE_MAX_BYTES = 1024 * 1024

/** Local disks take milliseconds; a mount whose server is gone never answers. */
export const FILE_TIMEOUT_MS = 5_000

export interface Limits {
  /** How long one file may take, in milliseconds, before this update of it is abandoned. */
  readonly patienceMs: number
  /** Queues `work` behind other work on the file at `path`. */
  readonly inTurn: (path: string, work: () => Promise<void>) => Promise<void>
  readonly ownPlaces: OwnPlaces
}

/**
 * Writes the token to the file, or removes the one in it.
 *
 * @throws {SidecarError} `failed` where what is there is not ours to write; errors of the disk.
 */
export async function setToken(
  file: TokenFile,
  token: Sealed | undefined,
  { patienceMs, inTurn, ownPlaces }: Limits,
): Promise<void> {
  await runWithin(file, patienceMs, async (signal) => {
    const found = await findOwnFile(file.path).catch((error: unknown) => {
      // Without its directory, there is no token to remove.
      if (token || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    })
    if (!found) return
    await refuseOwnPlaces(found.path, ownPlaces)
    await inTurn(found.path, async () => {
      signal.throwIfAborted()
      if (!token) await takeOut(found, file, signal)
      else await putToken(found, file, token, signal)
    })
  })
}

/** What would prevent writing a token to the file, found without writing; undefined for nothing. */
export async function examineTokenFile(
  file: TokenFile,
  ownPlaces: OwnPlaces,
): Promise<TokenFileProblem | undefined> {
  try {
    await runWithin(file, FILE_TIMEOUT_MS, async (signal) => {
      const { path, stats } = await findOwnFile(file.path)
      if (stats) refuseOthers(path, stats)
      await refuseOwnPlaces(path, ownPlaces)
      await textBefore(path, file)
      await access(dirname(path), constants.W_OK | constants.X_OK)
      await gitDirectoryIfIgnored(path, signal)
    })
    return undefined
  } catch (error) {
    return toTokenFileProblem(file, error)
  }
}

async function putToken(
  { path }: OwnFile,
  file: TokenFile,
  token: Sealed,
  signal: AbortSignal,
): Promise<void> {
  const gitDirectory = await gitDirectoryIfIgnored(path, signal)
  const content = renderContent(path, file, { token, before: await textBefore(path, file) })
  await replaceTokenFile(path, content, signal, gitDirectory)
}

async function gitDirectoryIfIgnored(
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const gitDirectory = await findGitDirectory(path, signal)
  if (gitDirectory !== undefined && !(await isIgnoredByGit(path, signal))) {
    throw new SidecarError(
      'failed',
      `${path} could be committed: add it to .gitignore, or choose a path outside of the git repository.`,
    )
  }
  return gitDirectory
}

function renderContent(
  path: string,
  file: TokenFile,
  { token: sealed, before }: { readonly token: Sealed; readonly before: string },
): Buffer {
  const token = sealed.expose()
  switch (file.format) {
    case 'raw':
      return Buffer.from(token)
    case 'json':
      return Buffer.from(`${JSON.stringify({ app: file.app, access_token: token })}\n`)
    case 'dotenv': {
      const value = Buffer.from(token).toString('latin1')
      const bytes = toBytes(withVariable(before, file.variable, value))
      // The next token could not be written then.
      if (bytes.length > TOKEN_FILE_MAX_BYTES) throw toFileTooLargeError(path, TOKEN_FILE_MAX_BYTES)
      return bytes
    }
  }
}

/** Removes the token, also where git no longer ignores the file: there it must go above all. */
async function takeOut(
  { path, stats }: OwnFile,
  file: TokenFile,
  signal: AbortSignal,
): Promise<void> {
  if (!stats) return
  if (file.format !== 'dotenv') {
    await textBefore(path, file)
    signal.throwIfAborted()
    await platform.files.removeFile(path)
    return
  }
  const before = await readExistingText(path)
  if (before === undefined) return
  const after = withoutVariable(before, file.variable)
  if (after === before) return
  // Where git cannot tell, the token is still removed; the other lines were there before.
  const gitDirectory = await findGitDirectory(path, signal).catch(() => undefined)
  await replaceTokenFile(path, toBytes(after), signal, gitDirectory)
}

/**
 * The text of a file that is about to be written; empty where there is none.
 *
 * @throws {SidecarError} `failed` where a token would destroy it, or no program would find the token.
 */
async function textBefore(path: string, { format }: TokenFile): Promise<string> {
  const text = (await readExistingText(path)) ?? ''
  if (format !== 'dotenv') requireTokenAlone(path, text)
  // In UTF-16, as PowerShell 5 writes it, each letter of a setting has a NUL beside it.
  else if (/^(?:\u00ff\u00fe|\u00fe\u00ff)|\0/.test(text)) {
    throw new SidecarError('failed', `${path} is in UTF-16, where programs find no settings.`, {
      hint: 'Save it as UTF-8; in PowerShell 5: `Set-Content -Encoding UTF8`.',
    })
  }
  return text
}

/** One character for each byte, so that other lines are written back unchanged, in any encoding. */
async function readExistingText(path: string): Promise<string | undefined> {
  return (await readOwnFile(path, TOKEN_FILE_MAX_BYTES))?.toString('latin1')
}

function toBytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** Rejects when the time is over, whatever `work` waits for; its signal is aborted then. */
async function runWithin(
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
        new SidecarError('failed', message, { hint: 'Check the disk or mount that it is on.' }),
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
