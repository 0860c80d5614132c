/** A compact JWE (RFC 7516) with our key: what it is for stands in its protected header. */
import {
  CompactEncrypt,
  type CompactJWEHeaderParameters,
  compactDecrypt,
  decodeProtectedHeader,
  errors,
} from 'jose'
import { keyOf, type VaultKey } from './key-ring.ts'

/** Names of ours in the header, and the values that they must have. */
export type Purpose = Readonly<Record<`evo-${string}`, string>>

export function seal(plaintext: string, purpose: Purpose, key: VaultKey): Promise<string> {
  return encrypt(new TextEncoder().encode(plaintext), purpose, key)
}

/** `jwe` under `key`: the same content and the same purpose, whatever they are. Undefined as `unseal`. */
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

export interface Unsealed {
  readonly plaintext: string
  readonly header: Readonly<Record<string, unknown>>
}

/** Undefined where it is not whole, or none of our keys fits. Whoever calls it judges the header. */
export async function unseal(
  jwe: string,
  ring: readonly VaultKey[],
): Promise<Unsealed | undefined> {
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
        const key = keyOf(ring, kid)
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

/** Which key it was sealed with; undefined where it does not tell. */
export function keyIdOf(jwe: string): string | undefined {
  try {
    return decodeProtectedHeader(jwe).kid
  } catch {
    // jose says a plain TypeError here: it is no JWE at all.
    return undefined
  }
}
