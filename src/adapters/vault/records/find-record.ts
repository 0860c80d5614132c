/** Reads an app's record, or says why there is none: no file, damage, or the format of a newer version. */
import type { Identity } from '../../../core/app.ts'
import type { VaultEntry } from '../../../core/vault.ts'
import { platform } from '../../../platform/current.ts'
import { isDiskError } from '../../files/disk-errors.ts'
import type { VaultKey } from '../sealing/key-ring.ts'
import { type DecodedRecord, decodeRecord } from './record-codec.ts'
import { type AppFiles, readTextIfThere } from './record-files.ts'

/** Something else is in the place of the file, which counts as damaged. */
const NOT_A_FILE_CODES = new Set(['EISDIR', 'ELOOP'])

/** The file may be intact, and readable later: once its permissions are corrected, or the disk works again. */
const UNREADABLE_CODES = new Set(['EACCES', 'EPERM', 'EIO'])

/** `newer`: what a newer version wrote, and this one cannot read. */
export type Found<T> = T | 'absent' | 'broken' | 'newer'

/**
 * The record; of kind `attempt` where it was stored together with its mark.
 *
 * @throws the error of the file system where it cannot be read now.
 */
export async function findRecord(
  { record }: Pick<AppFiles, 'record'>,
  app: string,
  ring: readonly VaultKey[],
): Promise<Found<DecodedRecord>> {
  const found = await findIn(record, app, ring)
  if (typeof found === 'string') return found
  // The mark of a first attempt is not a record.
  return found.record.generation === 0 && found.kind === 'attempt' ? 'broken' : found
}

export function findNext(
  { next }: AppFiles,
  app: string,
  ring: readonly VaultKey[],
): Promise<Found<DecodedRecord>> {
  return findIn(next, app, ring)
}

async function findIn(
  path: string,
  app: string,
  ring: readonly VaultKey[],
): Promise<Found<DecodedRecord>> {
  try {
    const text = await platform.files.whenFree(() => readTextIfThere(path))
    if (text === undefined) return 'absent'
    return await decodeRecord(app, text, ring)
  } catch (error) {
    if (isDiskError(error) && NOT_A_FILE_CODES.has(error.code)) return 'broken'
    throw error
  }
}

/** For `catch`, where a file that cannot be read would keep a newer record from being stored. */
export function brokenIfUnreadable(error: unknown): 'broken' {
  if (isDiskError(error) && UNREADABLE_CODES.has(error.code)) return 'broken'
  throw error
}

/** Whether a newer version wrote the record, or the next one. */
export async function isNewerRecord(
  { record, next }: Pick<AppFiles, 'record' | 'next'>,
  app: string,
  ring: readonly VaultKey[],
): Promise<boolean> {
  return (
    (await findIn(record, app, ring)) === 'newer' || (await findIn(next, app, ring)) === 'newer'
  )
}

/** Whether a newer version wrote any file that `load` reads. */
export async function isAnyNewer(
  files: AppFiles,
  { app, identity }: VaultEntry,
  ring: readonly VaultKey[],
): Promise<boolean> {
  if (await isNewerRecord(files, app, ring)) return true
  const current = await findRecord(files, app, ring)
  const isThere = typeof current === 'object' && sameIdentity(current.record.identity, identity)
  return !isThere && (await isNewerRecord(files.aside(identity), app, ring))
}

export function sameIdentity(one: Identity, other: Identity): boolean {
  return (
    one.issuer === other.issuer &&
    one.tokenEndpoint === other.tokenEndpoint &&
    one.clientId === other.clientId &&
    one.type === other.type
  )
}
