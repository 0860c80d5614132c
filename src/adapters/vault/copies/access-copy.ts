/** The sealed copy of an access token, which readers can open with a key of its app. */
import { decodeProtectedHeader } from 'jose'
import * as z from 'zod'
import type { Pair } from '../../../core/sharing/pair.ts'
import type { AppKey } from '../../../core/sharing/shared-store.ts'
import type { AccessCopy, OpenResult } from '../../../core/vault.ts'
import { Secret } from '../../../secret.ts'
import { findKey, type VaultKey } from '../sealing/key-ring.ts'
import { isFor, keyIdOf, type Purpose, seal, unseal } from '../sealing/sealed-text.ts'
import { parseJson } from '../../../core/json-object.ts'

const accessCopySchema = z.object({
  accessToken: z.string().transform((value) => new Secret(value)),
  endsAt: z.number().nullable(),
  scope: z.string().exactOptional(),
})

/** @param number that of the reader key. */
export function accessPurpose(
  { app, identityDigest, number: home, generation }: AppKey & Pair,
  number: number,
): Purpose {
  return {
    'evo-app': app,
    'evo-kind': 'access',
    'evo-identity': identityDigest,
    'evo-number': String(home),
    'evo-generation': String(generation),
    'evo-reader-key': String(number),
  }
}

export function sealAccessCopy(
  { accessToken, ...rest }: AccessCopy,
  purpose: Purpose,
  key: VaultKey,
): Promise<string> {
  return seal(JSON.stringify({ ...rest, accessToken: accessToken.expose() }), purpose, key)
}

/** @param keys the reader keys of the app that are here. */
export async function openAccessCopy(
  row: AppKey & Pair,
  access: string,
  keys: readonly VaultKey[],
): Promise<OpenResult<AccessCopy>> {
  if (!findKey(keys, keyIdOf(access))) return { kind: 'unknown-key' }
  const unsealed = await unseal(access, keys)
  const number = numberOf(access)
  if (!unsealed || number === undefined) return { kind: 'broken' }
  if (!isFor(unsealed.header, accessPurpose(row, number))) return { kind: 'broken' }
  const parsed = accessCopySchema.safeParse(parseJson(unsealed.plaintext))
  return parsed.success ? { kind: 'opened', value: parsed.data } : { kind: 'broken' }
}

/** The number of the reader key that it is sealed with; undefined where it does not say. */
export function numberOf(access: string): number | undefined {
  try {
    const number = Number(decodeProtectedHeader(access)['evo-reader-key'])
    return Number.isSafeInteger(number) && number > 0 ? number : undefined
  } catch {
    // jose throws a plain TypeError where it is not a JWE at all.
    return undefined
  }
}
