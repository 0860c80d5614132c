/** Compact JWEs (RFC 7516) under the vault's keys. The protected header says what each is for. */
import {
  CompactEncrypt,
  type CompactJWEHeaderParameters,
  compactDecrypt,
  decodeProtectedHeader,
  errors,
} from 'jose'
import { findKey, type VaultKey } from './key-ring.ts'

/** Our parameters of the header, and the values that they must have. */
export type Purpose = Readonly<Record<`evo-${string}`, string>>

export function seal(plaintext: string, purpose: Purpose, key: VaultKey): Promise<string> {
  return encrypt(new TextEncoder().encode(plaintext), purpose, key)
}

/** Encrypts the content and purpose of `jwe` under `key`. Undefined as `unseal`. */
export async function reseal(
  jwe: string,
  ring: readonly VaultKey[],
  key: VaultKey,
): Promise<string | undefined> {
  const opened = await decrypt(jwe, ring)
  return opened && encrypt(opened.plaintext, opened.protectedHeader, key)
}

function encrypt(
  plaintext: Uint8Array,
  header: CompactJWEHeaderParameters | Purpose,
  key: VaultKey,
): Promise<string> {
  return new CompactEncrypt(plaintext)
    .setProtectedHeader({ ...header, alg: 'dir', enc: 'A256GCM', kid: key.kid })
    .encrypt(key.cipher)
}

export interface UnsealedText {
  readonly plaintext: string
  readonly header: Readonly<Record<string, unknown>>
}

/** Undefined where `jwe` is damaged, or none of the keys fits. The caller checks the header. */
export async function unseal(
  jwe: string,
  ring: readonly VaultKey[],
): Promise<UnsealedText | undefined> {
  const opened = await decrypt(jwe, ring)
  return (
    opened && {
      plaintext: new TextDecoder().decode(opened.plaintext),
      header: opened.protectedHeader,
    }
  )
}

async function decrypt(jwe: string, ring: readonly VaultKey[]) {
  try {
    return await compactDecrypt(
      jwe,
      ({ kid }) => {
        const key = findKey(ring, kid)
        if (!key) throw new errors.JWEDecryptionFailed()
        return key.cipher
      },
      { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
    )
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

/** Whether an unsealed text is for that purpose. */
export function isFor(header: UnsealedText['header'], purpose: Purpose): boolean {
  return Object.entries(purpose).every(([name, value]) => header[name] === value)
}

/** The id of the key that it was sealed with; undefined where it has none. */
export function keyIdOf(jwe: string): string | undefined {
  try {
    return decodeProtectedHeader(jwe).kid
  } catch {
    // jose throws a plain TypeError where it is not a JWE at all.
    return undefined
  }
}
