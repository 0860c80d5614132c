/** The list of callers as a file. It holds digests of access keys, never a key; and it is never emptied because it could not be read. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import type { Instant } from '../../core/token.ts'
import { SidecarError } from '../../errors.ts'
import { Secret } from '../../secret.ts'
import { writeFileAtomically } from '../atomic-file.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../disk-errors.ts'

/** A caller, and the lower-case hex SHA-256 of its access key. */
export interface StoredCaller {
  readonly name: string
  /** `['*']` for all apps. */
  readonly apps: readonly string[]
  readonly sha256: string
  readonly createdAt: Instant
  readonly lastUsedAt: Instant | null
}

/** Begins with what secret scanners know us by. */
export function createAccessKey(): Secret {
  return new Secret(`evtk_${randomBytes(32).toString('base64url')}`)
}

const instant = z.iso.datetime().transform((text) => Date.parse(text))

const callersFile = z.strictObject({
  callers: z.array(
    z.strictObject({
      name: z.string(),
      apps: z.array(z.string()),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      created_at: instant,
      last_used_at: instant.nullable(),
    }),
  ),
})

/** Undefined where there is no file. @throws {SidecarError} `failed` for one that must not be used. */
export async function readCallers(path: string): Promise<readonly StoredCaller[] | undefined> {
  const text = await readPrivateFile(path)
  if (text === undefined) return undefined
  const parsed = callersFile.safeParse(parseJson(text))
  if (!parsed.success) {
    throw new SidecarError('failed', `The list of callers ${path} is damaged.`, {
      hint: `Put it back from a backup. Or move it away: \`evo-token serve\` then makes a new access key for the caller "local", and the other callers have to be added again.`,
    })
  }
  return parsed.data.callers.map(({ created_at, last_used_at, ...kept }) => ({
    ...kept,
    createdAt: created_at,
    lastUsedAt: last_used_at,
  }))
}

/** @throws {SidecarError} `failed`, when the disk refuses; then the file is as it was. */
export async function writeCallers(path: string, callers: readonly StoredCaller[]): Promise<void> {
  const rows = callers.map(({ name, apps, sha256, createdAt, lastUsedAt }) => ({
    name,
    apps,
    sha256,
    created_at: new Date(createdAt).toISOString(),
    last_used_at: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
  }))
  await writePrivateFile(path, `${JSON.stringify({ callers: rows }, null, 2)}\n`)
}

/**
 * The content of a file that is ours alone; undefined where there is none.
 *
 * @throws {SidecarError} `failed`, if others could have read or written it.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      const { mode, uid } = await file.stat()
      if (uid !== process.getuid?.()) throw unsafe(path, 'belongs to another user', 'chown it')
      if ((mode & 0o077) !== 0) throw unsafe(path, 'is open to others', `chmod 600 ${path}`)
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

function unsafe(path: string, what: string, mend: string): SidecarError {
  return new SidecarError('failed', `${path} ${what}, so it is not used.`, {
    hint: `If nobody can have changed it, mend that: ${mend}. If somebody may have read a key there, delete it.`,
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Undefined fits no schema, and the parser's own words would quote the file.
    return undefined
  }
}
