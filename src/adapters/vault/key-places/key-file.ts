/** Vault keys in files: one of ours with mode 0600, or a credential that systemd hands to us. */
import { constants } from 'node:fs'
import { open, rm } from 'node:fs/promises'
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
  const read = () => readKeys(path, uid)
  return {
    source: 'file',
    read,
    write: (_vaultId, keys) =>
      changing(path, async () => {
        await writeFileAtomically(path, formatKeys(keys), 0o600)
        return (await holds(read, keys)) ? DONE : refused(`${path} does not keep what is written.`)
      }),
    remove: () =>
      changing(path, async () => {
        await rm(path, { force: true })
        await platform.files.syncDirectory(dirname(path))
        return DONE
      }),
  }
}

/** Only read by us: whoever looks after the system changes it. */
export function createCredential(env: Readonly<Record<string, string | undefined>>): KeyPlace {
  const directory = env.CREDENTIALS_DIRECTORY
  return {
    source: 'credential',
    read: async () =>
      directory === undefined
        ? { kind: 'none', message: 'systemd handed no credential over.', hint: HOW_TO_LOAD }
        : readKeys(join(directory, 'vault-key'), undefined),
    write: async () => ({
      kind: 'refused',
      message: 'The vault key is a systemd credential, which evo-token cannot write.',
      hint: 'Put a new key (openssl rand -base64 32) on the first line of the credential, keep the old one on the second, and restart: the records are then re-encrypted by themselves, and the old line can go.',
    }),
    // It goes when its line goes from the unit.
    remove: async () => DONE,
  }
}

const DONE: KeysChanged = { kind: 'done' }

const HOW_TO_LOAD =
  'Name it in the unit: LoadCredential=vault-key:/etc/evo-token/vault-key, a file with 32 random bytes (openssl rand -base64 32).'

/** @param owner whose the file must be, and nobody else's to read; undefined for systemd's own. */
async function readKeys(path: string, owner: number | undefined): Promise<KeysRead> {
  try {
    const file = await open(path, constants.O_RDONLY | platform.files.NO_FOLLOW)
    try {
      const stats = await file.stat()
      if (owner !== undefined && !ownership.isOwn(stats, owner)) {
        return refused(`The vault key ${path} belongs to uid ${stats.uid}: chown ${owner} ${path}`)
      }
      if (owner !== undefined && ownership.othersMayEnter(stats)) {
        return refused(
          `The vault key ${path} is open to others: chmod 600 ${path}`,
          'If somebody may have read it, make a new one then: evo-token vault rotate-key',
        )
      }
      const keys = parseKeys(await file.readFile())
      if (keys) return { kind: 'keys', keys }
      return refused(
        `${path} is no vault key: it should be 32 raw bytes, or base64 or hex of 32 bytes on each line.`,
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
      : refused(message)
  }
}

const PUT_IT_BACK = 'Put it back from a backup.'

async function holds(read: () => Promise<KeysRead>, keys: readonly Secret[]): Promise<boolean> {
  const there = await read()
  return there.kind === 'keys' && sameKeys(there.keys, keys)
}

async function changing(path: string, work: () => Promise<KeysChanged>): Promise<KeysChanged> {
  try {
    return await work()
  } catch (error) {
    if (!isDiskError(error)) throw error
    return refused(`The vault key ${path} cannot be written: ${diskErrorInWords(error)}.`)
  }
}

function refused(message: string, hint = 'Mend that; evo-token tries again by itself.'): Refusal {
  return { kind: 'refused', message, hint }
}
