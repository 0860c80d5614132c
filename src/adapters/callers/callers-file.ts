/**
 * The list of callers as a file. It holds digests of access keys, never a key; and it is never
 * emptied because it could not be read. What a newer version added to it is kept.
 */
import { z } from 'zod'
import type { Instant } from '../../core/token.ts'
import { SidecarError } from '../../errors.ts'
import { readPrivateFile, writePrivateFile } from '../files/private-text.ts'
import { parseJson } from '../../core/json-object.ts'

/** Members of the file that this version does not know: a newer one wrote them. */
export type Unknown = Readonly<Record<string, unknown>>

export interface StoredCallers {
  readonly callers: readonly StoredCaller[]
  /** Lower-case hex: what the keys of callers that do not exist are made from. */
  readonly standIn: string | undefined
  readonly unknown: Unknown
}

/** A caller, and the lower-case hex SHA-256 of its access key. */
export interface StoredCaller {
  readonly name: string
  /** `['*']` for all apps. */
  readonly apps: readonly string[]
  readonly sha256: string
  readonly createdAt: Instant
  readonly lastUsedAt: Instant | null
  /** When its key stops working; undefined for never. */
  readonly expiresAt?: Instant
  /** Deleted with the caller. */
  readonly unknown?: Unknown
}

const instantText = z.iso.datetime().transform((text) => Date.parse(text))

const callerRecord = z.looseObject({
  name: z.string(),
  apps: z.array(z.string()),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created_at: instantText,
  last_used_at: instantText.nullable(),
  expires_at: instantText.optional(),
})

const standIn = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .optional()

const callersFile = z.looseObject({ callers: z.array(callerRecord), stand_in: standIn })

/** What a damaged file of this version may hold: a newer version's file would have other members. */
const damagedFileSchema = z
  .strictObject({ callers: z.array(callerRecord.partial().strict()), stand_in: standIn })
  .partial()

/**
 * Undefined where there is no file.
 *
 * @throws {SidecarError} `failed` for a file that must not be used, `record_newer` for one that only a newer version can read.
 */
export async function readCallers(path: string): Promise<StoredCallers | undefined> {
  const text = await readPrivateFile(path)
  if (text === undefined) return undefined
  const json = parseJson(text)
  const parsed = callersFile.safeParse(json)
  if (!parsed.success) throw isNewerFile(json) ? toNewerError(path) : toDamagedError(path)
  const { callers, stand_in, ...unknown } = parsed.data
  return {
    unknown,
    standIn: stand_in,
    callers: callers.map(
      ({ name, apps, sha256, created_at, last_used_at, expires_at, ...others }) => ({
        name,
        apps,
        sha256,
        createdAt: created_at,
        lastUsedAt: last_used_at,
        ...(expires_at !== undefined && { expiresAt: expires_at }),
        ...(Object.keys(others).length > 0 && { unknown: others }),
      }),
    ),
  }
}

/** @throws {SidecarError} `failed`, when the disk refuses; then the file is as it was. */
export async function writeCallers(
  path: string,
  { callers, standIn, unknown }: StoredCallers,
): Promise<void> {
  const head = JSON.stringify({ ...unknown, stand_in: standIn, callers: [] })
  await writePrivateFile(path, `${head.slice(0, -2)}\n${callers.map(toRow).join(',\n')}\n]}\n`)
}

/** The text of each caller: among thousands, a change serializes only the callers that it changes. */
const callerTexts = new WeakMap<StoredCaller, string>()

function toRow(caller: StoredCaller): string {
  const kept = callerTexts.get(caller)
  if (kept !== undefined) return kept
  const { name, apps, sha256, createdAt, lastUsedAt, expiresAt, unknown } = caller
  const row = JSON.stringify({
    ...unknown,
    name,
    apps,
    sha256,
    created_at: new Date(createdAt).toISOString(),
    last_used_at: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
    ...(expiresAt !== undefined && {
      expires_at: new Date(expiresAt).toISOString().replace('.000Z', 'Z'),
    }),
  })
  callerTexts.set(caller, row)
  return row
}

/** Whether a newer version wrote the file: it has members that this version's files never have. */
function isNewerFile(json: unknown): boolean {
  return z.looseObject({}).safeParse(json).success && !damagedFileSchema.safeParse(json).success
}

function toDamagedError(path: string): SidecarError {
  return new SidecarError('failed', `The list of callers ${path} is damaged.`, {
    hint: `Put it back from a backup. Or move it away: \`evo-token serve\` then makes a new access key for the caller "local", and the other callers have to be added again.`,
  })
}

function toNewerError(path: string): SidecarError {
  return new SidecarError('record_newer', `A newer evo-token wrote the list of callers ${path}.`, {
    hint: 'Install that version again; the file is left as it is. If it was changed by hand, put it back from a backup.',
  })
}
