/** Vault keys in files: our own with mode 0600, or a systemd credential. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ownership } from '../../../platform/chosen.ts'
import { platform } from '../../../platform/current.ts'
import type { Secret } from '../../../secret.ts'
import { writeFileAtomically } from '../../files/atomic-file.ts'
import { diskErrorInWords, isDiskError } from '../../files/disk-errors.ts'
import {
  formatKeys,
  type KeyPlace,
  type KeysChanged,
  type KeysRead,
  parseKeys,
  type Refusal,
  sameKeys,
} from './key-place.ts'

export function createKeyFile(path: string, uid: number): KeyPlace {
  const read = () => readVaultKeys(path, uid)
  return {
    source: 'file',
    read,
    write: (_vaultId, keys) =>
      refuseOnDiskError(path, async () => {
        await writeFileAtomically(path, formatKeys(keys), 0o600)
        return (await isStored(read, keys))
          ? KEYS_CHANGED
          : toKeyRefusal(`${path} does not keep what is written.`)
      }),
    remove: () =>
      refuseOnDiskError(path, async () => {
        await platform.files.removeFile(path)
        await platform.files.syncDirectory(dirname(path))
        return KEYS_CHANGED
      }),
  }
}

/** Read only: the administrator changes it. */
export function createCredential(env: Readonly<Record<string, string | undefined>>): KeyPlace {
  const directory = env.CREDENTIALS_DIRECTORY
  return {
    source: 'credential',
    read: async () =>
      directory === undefined
        ? { kind: 'none', message: 'systemd passed no credential.', hint: HOW_TO_LOAD }
        : readVaultKeys(join(directory, 'vault-key'), undefined),
    write: async () => ({
      kind: 'refused',
      message: 'The vault key is a systemd credential, which evo-token cannot write.',
      hint: 'Put a new key (openssl rand -base64 32) on the first line of the credential, keep the old one on the second, and restart: evo-token then re-encrypts the records, and you can delete the old line.',
    }),
    // The administrator removes it, with its line in the unit.
    remove: async () => KEYS_CHANGED,
  }
}

const KEYS_CHANGED: KeysChanged = { kind: 'done' }

const HOW_TO_LOAD =
  'Name it in the unit: LoadCredential=vault-key:/etc/evo-token/vault-key, a file with 32 random bytes (openssl rand -base64 32).'

/** @param owner the user that must own the file, and alone may read it; undefined for a credential. */
async function readVaultKeys(path: string, owner: number | undefined): Promise<KeysRead> {
  try {
    const flags = constants.O_RDONLY | platform.files.NO_FOLLOW | platform.files.NO_WAIT
    const file = await platform.files.whenFree(() => open(path, flags))
    try {
      const stats = await file.stat()
      if (!stats.isFile()) return toKeyRefusal(`The vault key ${path} is not a regular file.`)
      if (owner !== undefined && !ownership.isOwn(stats, owner)) {
        return toKeyRefusal(
          `The vault key ${path} belongs to uid ${stats.uid}: chown ${owner} ${path}`,
        )
      }
      if (owner !== undefined && ownership.othersMayEnter(stats)) {
        return toKeyRefusal(
          `The vault key ${path} is open to others: chmod 600 ${path}`,
          'If another user may have read it, then make a new one: evo-token vault rotate-key',
        )
      }
      const keys = parseKeys(await file.readFile())
      if (keys) return { kind: 'keys', keys }
      return toKeyRefusal(
        `${path} is not a vault key: it should be 32 raw bytes, or base64 or hex of 32 bytes on each line.`,
        'Put it back from a backup.',
      )
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!isDiskError(error)) throw error
    const message = `The vault key ${path} cannot be read: ${diskErrorInWords(error)}.`
    return error.code === 'ENOENT'
      ? { kind: 'none', message, hint: owner === undefined ? HOW_TO_LOAD : PUT_IT_BACK }
      : toKeyRefusal(message)
  }
}

const PUT_IT_BACK = 'Put it back from a backup.'

async function isStored(read: () => Promise<KeysRead>, keys: readonly Secret[]): Promise<boolean> {
  const there = await read()
  return there.kind === 'keys' && sameKeys(there.keys, keys)
}

async function refuseOnDiskError(
  path: string,
  work: () => Promise<KeysChanged>,
): Promise<KeysChanged> {
  try {
    return await work()
  } catch (error) {
    if (!isDiskError(error)) throw error
    return toKeyRefusal(`The vault key ${path} cannot be written: ${diskErrorInWords(error)}.`)
  }
}

function toKeyRefusal(
  message: string,
  hint = 'Correct that; evo-token tries again by itself.',
): Refusal {
  return { kind: 'refused', message, hint }
}
