/**
 * A place that keeps the vault's keys, and the keys as text: 32 bytes in base64url, one on each line,
 * the newest first. There is more than one only during a change of keys.
 */
import { randomBytes } from 'node:crypto'
import { decodeText } from '../../../core/file-text.ts'
import type { KeySource } from '../../../core/vault-key-source.ts'
import { Secret } from '../../../secret.ts'

/** Why a place cannot be read or written, for people. */
export interface Refusal {
  readonly kind: 'refused'
  readonly message: string
  readonly hint: string
}

export type KeysRead =
  | { readonly kind: 'keys'; readonly keys: readonly Secret[] }
  /** The place can be read and certainly has none. */
  | { readonly kind: 'none'; readonly message: string; readonly hint: string }
  | Refusal

export type KeysChanged = { readonly kind: 'done' } | Refusal

export interface KeyPlace {
  readonly source: KeySource
  read(vaultId: string): Promise<KeysRead>
  /** Replaces what the place has with `keys`, durably, and reads them back. */
  write(vaultId: string, keys: readonly Secret[]): Promise<KeysChanged>
  remove(vaultId: string): Promise<KeysChanged>
}

export type KeyPlaces = Readonly<Record<KeySource, KeyPlace>>

const KEY_BYTES = 32

export function newVaultKey(): Secret {
  return new Secret(randomBytes(KEY_BYTES).toString('base64url'))
}

export function formatKeys(keys: readonly Secret[]): string {
  return keys.map((key) => `${key.expose()}\n`).join('')
}

/** Reads 32 raw bytes, or lines of base64, base64url or hex in any text file; undefined where anything is not a key. */
export function parseKeys(bytes: Buffer): readonly Secret[] | undefined {
  if (bytes.length === KEY_BYTES) return [new Secret(bytes.toString('base64url'))]
  const lines = decodeText(bytes).split(/\s+/).filter(Boolean)
  const keys = lines.map(decodeKey)
  if (keys.length === 0 || keys.some((key) => key?.length !== KEY_BYTES)) return undefined
  return keys.map((key) => new Secret(key?.toString('base64url') ?? ''))
}

function decodeKey(line: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(line)) return Buffer.from(line, 'hex')
  // Node reads both alphabets, and silently skips anything else.
  return /^[\w+/-]{43}=?$/.test(line) ? Buffer.from(line, 'base64') : undefined
}

export function sameKeys(one: readonly Secret[], other: readonly Secret[]): boolean {
  return one.map(({ sha256 }) => sha256).join() === other.map(({ sha256 }) => sha256).join()
}
