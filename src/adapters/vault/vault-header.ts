/**
 * `vault.json`: what has to fit before anything in the vault is touched. It holds no secret; its
 * `check` opens with the vault's key and no other.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { writeFileAtomically } from '../atomic-file.ts'
import { diskErrorInWords, isDiskError } from '../disk-errors.ts'
import type { Refusal } from './key-place.ts'
import type { VaultKey } from './key-ring.ts'
import { seal, unseal } from './sealed-text.ts'

const FORMAT = 1

const source = z.enum(['keychain', 'file', 'credential'])

const headerSchema = z.strictObject({
  format: z.literal(FORMAT),
  id: z.uuid(),
  source,
  /** Where the key still has to be deleted, after it was moved away from there. */
  leaving: source.exactOptional(),
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
        : unreadable(`${path} cannot be read: ${diskErrorInWords(error)}.`)
    }
    if (!(error instanceof SyntaxError)) throw error
  }
  const parsed = headerSchema.safeParse(content)
  if (parsed.success) return { kind: 'header', header: parsed.data }
  const { data } = z.object({ format: z.number() }).safeParse(content)
  if (data && data.format > FORMAT) {
    return {
      kind: 'refused',
      message: `The vault ${dir} has format ${data.format}; this evo-token knows ${FORMAT}.`,
      hint: 'A newer evo-token made it: install that version again.',
    }
  }
  return unreadable(`${path} is damaged.`)
}

function unreadable(message: string): Refusal {
  const hint =
    'Put it back from a backup; or move the whole vault directory away for a fresh one, and sign in anew.'
  return { kind: 'refused', message, hint }
}

export async function writeHeader(dir: string, header: VaultHeader): Promise<void> {
  await writeFileAtomically(headerPath(dir), `${JSON.stringify(header, null, 2)}\n`, 0o600)
}

function headerPath(dir: string): string {
  return join(dir, 'vault.json')
}

export function newVaultId(): string {
  return randomUUID()
}

/** The parts of the header that say which key opens the vault. */
export async function keyCheck(
  id: string,
  key: VaultKey,
): Promise<Pick<VaultHeader, 'kid' | 'check'>> {
  return { kid: key.kid, check: await seal('', checkPurpose(id), key) }
}

export async function checkOpens({ id, check }: VaultHeader, key: VaultKey): Promise<boolean> {
  const unsealed = await unseal(check, [key])
  return Object.entries(checkPurpose(id)).every(([name, value]) => unsealed?.header[name] === value)
}

function checkPurpose(id: string) {
  return { 'evo-vault': id, 'evo-kind': 'check' } as const
}

/** machine-id(5) asks for a keyed hash: the id itself should not lie about. */
export function machineMark(id: string, machineId: string | null): string | null {
  return machineId === null ? null : createHmac('sha256', machineId).update(id).digest('hex')
}
