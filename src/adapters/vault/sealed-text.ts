/** A compact JWE (RFC 7516) with our key: what it is for stands in its protected header. */
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from 'jose'
import { type KeyRing, keyOf, type VaultKey } from './key-ring.ts'

/** Names of ours in the header, and the values that they must have. */
export type Purpose = Readonly<Record<`evo-${string}`, string>>

export function seal(plaintext: string, purpose: Purpose, key: VaultKey): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(plaintext))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.kid, ...purpose })
    .encrypt(key.cipher)
}

export interface Unsealed {
  readonly plaintext: string
  readonly header: Readonly<Record<string, unknown>>
}

/** Undefined where it is not whole, or none of our keys fits. Whoever calls it judges the header. */
export async function unseal(
  jwe: string,
  ring: KeyRing | readonly VaultKey[],
): Promise<Unsealed | undefined> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(
      jwe,
      ({ kid }) => {
        const key = keyOf(ring, kid)
        if (!key) throw new errors.JWEDecryptionFailed()
        return key.cipher
      },
      { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
    )
    return { plaintext: new TextDecoder().decode(plaintext), header: protectedHeader }
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
