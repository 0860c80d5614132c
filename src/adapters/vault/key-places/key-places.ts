/** The places where a vault key may be, and which of them a new vault takes. */
import type { Log } from '../../../core/ports.ts'
import type { KeyChoice, KeySource } from '../../../core/vault-key-source.ts'
import type { Secret } from '../../../secret.ts'
import { createCredential, createKeyFile } from './key-file.ts'
import { type KeyPlace, type KeyPlaces, newVaultKey, type Refusal } from './key-place.ts'
import { createKeychain, type KeychainOptions } from './keychain.ts'

export interface KeyPlacesOptions {
  readonly keyFile: string
  readonly env: NodeJS.ProcessEnv
  readonly uid: number
  readonly keychain?: KeychainOptions
}

export function createKeyPlaces({ keyFile, env, uid, keychain }: KeyPlacesOptions): KeyPlaces {
  return {
    keychain: createKeychain({ env, ...keychain }),
    file: createKeyFile(keyFile, uid),
    credential: createCredential(env),
  }
}

export type FirstKey =
  { readonly kind: 'key'; readonly source: KeySource; readonly key: Secret } | Refusal

/** The key for a new vault: a new one, or the one that the place has already. */
export async function chooseFirstKey(
  choice: KeyChoice,
  places: KeyPlaces,
  vaultId: string,
  log: Log,
): Promise<FirstKey> {
  switch (choice) {
    case 'credential': {
      const read = await places.credential.read(vaultId)
      if (read.kind === 'keys') return toFirstKey(places.credential, read.keys[0])
      return { ...read, kind: 'refused' }
    }
    case 'keychain':
      return makeFirstKey(places.keychain, vaultId)
    case 'file':
      return takeOrMake(places.file, vaultId)
    case 'auto': {
      const made = await makeFirstKey(places.keychain, vaultId)
      if (made.kind === 'key') return made
      const instead = await takeOrMake(places.file, vaultId)
      if (instead.kind === 'key') {
        log.warn(
          { reason: made.message },
          'no keychain takes the vault key, so it is kept in a file beside the vault: anyone who can read your files can read it; `evo-token vault move-key --to keychain` moves it later',
        )
      }
      return instead
    }
  }
}

/** A key file without a vault was put there for it, or a crash left it. */
async function takeOrMake(place: KeyPlace, vaultId: string): Promise<FirstKey> {
  const read = await place.read(vaultId)
  if (read.kind === 'keys') return toFirstKey(place, read.keys[0])
  return read.kind === 'none' ? makeFirstKey(place, vaultId) : read
}

async function makeFirstKey(place: KeyPlace, vaultId: string): Promise<FirstKey> {
  const key = newVaultKey()
  const written = await place.write(vaultId, [key])
  return written.kind === 'done' ? toFirstKey(place, key) : written
}

function toFirstKey({ source }: KeyPlace, key: Secret | undefined): FirstKey {
  if (!key) throw new Error('a place answered with an empty list of keys')
  return { kind: 'key', source, key }
}
