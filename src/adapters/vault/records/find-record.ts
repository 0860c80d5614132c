/** Finds an app's record, or says why there is none: no file, damage, or a newer version's format. */
import type { Identity } from '../../../core/app.ts'
import type { VaultEntry } from '../../../core/vault.ts'
import { isDiskError } from '../../files/disk-errors.ts'
import type { VaultKey } from '../sealing/key-ring.ts'
import { type Decoded, decodeRecord } from './record-codec.ts'
import { type AppFiles, readText } from './record-files.ts'

/** These errors are permanent: the file counts as damaged. Others pass, such as too many open files. */
const UNREADABLE = new Set(['EACCES', 'EPERM', 'EIO', 'EISDIR', 'ELOOP'])

/** `newer`: what a newer version wrote, and this one cannot read. */
export type Found<T> = T | 'absent' | 'broken' | 'newer'

/** The record; of kind `attempt` where it was stored together with its mark. */
export async function findRecord(
  { record }: Pick<AppFiles, 'record'>,
  app: string,
  ring: readonly VaultKey[],
): Promise<Found<Decoded>> {
  const found = await find(record, app, ring)
  if (typeof found === 'string') return found
  // The mark of a first attempt is of no record.
  return found.record.generation === 0 && found.kind === 'attempt' ? 'broken' : found
}

export function findNext(
  { next }: AppFiles,
  app: string,
  ring: readonly VaultKey[],
): Promise<Found<Decoded>> {
  return find(next, app, ring)
}

async function find(path: string, app: string, ring: readonly VaultKey[]): Promise<Found<Decoded>> {
  try {
    const text = readText(path)
    if (text === undefined) return 'absent'
    return await decodeRecord(app, text, ring)
  } catch (error) {
    if (isDiskError(error) && UNREADABLE.has(error.code)) return 'broken'
    throw error
  }
}

/** Whether a newer version wrote the record, or the next one. */
export async function isNewer(
  { record, next }: Pick<AppFiles, 'record' | 'next'>,
  app: string,
  ring: readonly VaultKey[],
): Promise<boolean> {
  return (await find(record, app, ring)) === 'newer' || (await find(next, app, ring)) === 'newer'
}

/** Whether a newer version wrote any file that `load` reads. */
export async function isAnyNewer(
  files: AppFiles,
  { app, identity }: VaultEntry,
  ring: readonly VaultKey[],
): Promise<boolean> {
  if (await isNewer(files, app, ring)) return true
  const current = await findRecord(files, app, ring)
  const isThere = typeof current === 'object' && sameIdentity(current.record.identity, identity)
  return !isThere && (await isNewer(files.aside(identity), app, ring))
}

export function sameIdentity(one: Identity, other: Identity): boolean {
  return (
    one.issuer === other.issuer &&
    one.tokenEndpoint === other.tokenEndpoint &&
    one.clientId === other.clientId &&
    one.type === other.type
  )
}
