/**
 * `vault.json`, the header: it is checked before any file of the vault is changed. It holds no
 * secret; its `check` can be decrypted with the vault's key only.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { KEY_SOURCES } from '../../core/vault-key-source.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { diskErrorInWords, isDiskError } from '../files/disk-errors.ts'
import type { Refusal } from './key-places/key-place.ts'
import type { VaultKey } from './sealing/key-ring.ts'
import { isFor, seal, unseal } from './sealing/sealed-text.ts'

/**
 * The highest format that this version writes. A version that knows only lower numbers finds the vault
 * locked, and touches nothing. Versions that know the number keep members that they do not know,
 * so a new optional member of a record or of this header needs no new one; any other change of
 * their shapes or their meaning does. `format-N.json` beside this file has the shapes of each.
 *
 * 1: the record had `refreshAfterMs`, and a member that was not known made it damaged.
 * 2: unknown members are kept; `draw` in place of `refreshAfterMs`.
 * 3: `sharing`: there is a copy of a record on other hosts, and perhaps the right to spend it. A record
 *    may be stored together with its mark.
 */
export const HEADER_FORMAT = 3

/** The format of a vault whose records were never published. */
export const FORMAT_UNSHARED = 2

const keySourceSchema = z.enum(KEY_SOURCES)

export const headerSchema = z.looseObject({
  /** Raised before the first record is written: until then an older version can still open the vault. */
  format: z.int().min(1).max(HEADER_FORMAT),
  id: z.uuid(),
  source: keySourceSchema,
  /** The place from which the key was moved, and where it still has to be deleted. */
  leaving: keySourceSchema.exactOptional(),
  machine: z.string().nullable(),
  kid: z.string(),
  check: z.string(),
})

export type VaultHeader = Readonly<z.infer<typeof headerSchema>>

export type HeaderRead =
  { readonly kind: 'header'; readonly header: VaultHeader } | { readonly kind: 'absent' } | Refusal

export function readHeader(dir: string): HeaderRead {
  const path = headerPath(dir)
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (isDiskError(error)) {
      return error.code === 'ENOENT'
        ? { kind: 'absent' }
        : refuseUnreadable(`${path} cannot be read: ${diskErrorInWords(error)}.`)
    }
    if (!(error instanceof SyntaxError)) throw error
  }
  const parsed = headerSchema.safeParse(content)
  if (parsed.success) return { kind: 'header', header: parsed.data }
  const { data } = z.object({ format: z.number() }).safeParse(content)
  if (data && data.format > HEADER_FORMAT) {
    return {
      kind: 'refused',
      message: `The vault ${dir} has format ${data.format}; this evo-token knows ${HEADER_FORMAT}.`,
      hint: 'A newer evo-token made it: install that version again.',
    }
  }
  return refuseUnreadable(`${path} is damaged.`)
}

function refuseUnreadable(message: string): Refusal {
  const hint =
    'Put it back from a backup; or move the whole vault directory away for a fresh one, and sign in again.'
  return { kind: 'refused', message, hint }
}

/** @returns the header as it was written: of a format that this version writes. */
export async function writeHeader(dir: string, header: VaultHeader): Promise<VaultHeader> {
  const written = { ...header, format: Math.max(header.format, FORMAT_UNSHARED) }
  await writeFileAtomically(headerPath(dir), `${JSON.stringify(written, null, 2)}\n`, 0o600)
  return written
}

function headerPath(dir: string): string {
  return join(dir, 'vault.json')
}

export function newVaultId(): string {
  return randomUUID()
}

/** The parts of the header that say which key opens the vault. */
export async function createKeyCheck(
  id: string,
  key: VaultKey,
): Promise<Pick<VaultHeader, 'kid' | 'check'>> {
  return { kid: key.kid, check: await seal('', checkPurpose(id), key) }
}

export async function checkOpens({ id, check }: VaultHeader, key: VaultKey): Promise<boolean> {
  const unsealed = await unseal(check, [key])
  return unsealed !== undefined && isFor(unsealed.header, checkPurpose(id))
}

function checkPurpose(id: string) {
  return { 'evo-vault': id, 'evo-kind': 'check' } as const
}

/** A keyed hash, since machine-id(5) says that the id itself must stay confidential. */
export function hashMachineId(id: string, machineId: string | null): string | null {
  return machineId === null ? null : createHmac('sha256', machineId).update(id).digest('hex')
}
