/** The vault's keys, ready for use: the newest encrypts, each decrypts what it encrypted. */
import { webcrypto } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import type { Secret } from '../../../secret.ts'

export interface VaultKey {
  readonly secret: Secret
  /** RFC 7638 thumbprint: tells keys apart and reveals nothing about them. */
  readonly kid: string
  readonly cipher: webcrypto.CryptoKey
}

/** Newest first, never empty. */
export type KeyRing = readonly [VaultKey, ...VaultKey[]]

export async function toVaultKey(secret: Secret): Promise<VaultKey> {
  const k = secret.expose()
  const [kid, cipher] = await Promise.all([
    calculateJwkThumbprint({ kty: 'oct', k }),
    // Imported once for all records; jose would import raw bytes for each.
    webcrypto.subtle.importKey('raw', Buffer.from(k, 'base64url'), 'AES-GCM', false, [
      'encrypt',
      'decrypt',
    ]),
  ])
  return { secret, kid, cipher }
}

export function findKey(ring: readonly VaultKey[], kid: string | undefined): VaultKey | undefined {
  return ring.find((key) => key.kid === kid)
}
