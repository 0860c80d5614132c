/**
 * The operating system's keychain as a place for vault keys: one small item, named by the vault's
 * id. It is never read while it is known to be locked, so no dialog opens. A locked keychain answers
 * "nothing" as an empty one does: "nothing" counts as locked unless the keychain is known to be open.
 */
import { platform } from '../../../platform/current.ts'
import type { Keychain } from '../../../platform/platform.ts'
import type { Secret } from '../../../secret.ts'
import { askKeychain, type KeychainAnswer, type KeychainQuestion } from './keychain-child.ts'
import {
  formatKeys,
  type KeyPlace,
  type KeysChanged,
  type KeysRead,
  parseKeys,
  type Refusal,
  sameKeys,
} from './key-place.ts'

const KEYCHAIN_SERVICE = 'evo-token'

/** An open keychain answers within milliseconds; a slower one is waiting for a person. */
const KEYCHAIN_TIMEOUT_MS = 10_000

export interface KeychainOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Where systemd puts the runtime directory of each user. */
  readonly runtimeDirs?: string
  /** The operating system's; that of this platform unless it is given. */
  readonly system?: Keychain
  readonly timeoutMs?: number
}

export function createKeychain(options: KeychainOptions = {}): KeyPlace {
  const { system = platform.keychain, timeoutMs = KEYCHAIN_TIMEOUT_MS, runtimeDirs } = options
  const env = () => system.sessionEnv(options.env ?? process.env, runtimeDirs)
  const ask = (operation: KeychainQuestion['operation'], ...values: readonly string[]) =>
    askKeychain({ operation, values: [KEYCHAIN_SERVICE, ...values] }, env(), timeoutMs)
  const lockState = () => system.lockState(env(), timeoutMs)

  async function read(vaultId: string): Promise<KeysRead> {
    const state = await lockState()
    if (state === 'locked') return KEYCHAIN_LOCKED
    const answer = await ask('getPassword', vaultId)
    if (answer.kind !== 'answered') {
      return explainRefusal(answer, system, timeoutMs, COMES_LATER)
    }
    if (typeof answer.value === 'string') return toKeys(answer.value, vaultId)
    return state === 'unlocked' ? describeDeleted(vaultId) : LOCKED_OR_DELETED
  }

  async function write(vaultId: string, keys: readonly Secret[]): Promise<KeysChanged> {
    if ((await lockState()) === 'locked') return KEYCHAIN_LOCKED
    const answer = await ask('setPassword', vaultId, formatKeys(keys))
    if (answer.kind !== 'answered') return explainRefusal(answer, system, timeoutMs)
    const kept = await ask('getPassword', vaultId)
    const there = kept.kind === 'answered' ? String(kept.value) : ''
    return sameKeys(parseKeys(Buffer.from(there)) ?? [], keys)
      ? { kind: 'done' }
      : {
          kind: 'refused',
          message: 'The keychain does not store what is written to it.',
          hint: USE_FILE,
        }
  }

  async function remove(vaultId: string): Promise<KeysChanged> {
    if ((await lockState()) === 'locked') return KEYCHAIN_LOCKED
    const answer = await ask('deletePassword', vaultId)
    // "false" means that there was nothing to delete.
    return answer.kind === 'answered' ? { kind: 'done' } : explainRefusal(answer, system, timeoutMs)
  }

  return { source: 'keychain', read, write, remove }
}

const USE_FILE =
  'Without a keychain the key can be kept in a file: "vault": { "key": "file" } in the config of a new vault.'

/** For a vault whose key is in the keychain: there is no other way to read it. */
const COMES_LATER =
  'Once there is one, evo-token goes on by itself; on a desktop it starts when you sign in.'

const KEYCHAIN_LOCKED: Refusal = {
  kind: 'refused',
  message: 'The keychain is locked.',
  hint: 'Unlock it, by signing in to the desktop or in its password manager; evo-token tries again by itself.',
}

const KEYTAR_GONE: Refusal = {
  kind: 'refused',
  message: 'The keychain cannot be asked: files of evo-token, or Node, are not where they were.',
  hint: 'Restart the daemon; where that does not help, install evo-token again.',
}

const LOCKED_OR_DELETED: Refusal = {
  kind: 'refused',
  message:
    'The keychain gives no key for this vault: it is locked or empty, and does not say which.',
  hint: KEYCHAIN_LOCKED.hint,
}

function describeDeleted(vaultId: string): KeysRead {
  return {
    kind: 'none',
    message: `The keychain is unlocked and has no item of the service "${KEYCHAIN_SERVICE}" for the account "${vaultId}": it was deleted.`,
    hint: 'Put the item back from a backup of the keychain.',
  }
}

function toKeys(value: string, vaultId: string): KeysRead {
  const keys = parseKeys(Buffer.from(value))
  if (keys) return { kind: 'keys', keys }
  return {
    kind: 'refused',
    message: `The keychain's item of the service "${KEYCHAIN_SERVICE}" for the account "${vaultId}" is not a vault key.`,
    hint: 'It was changed: put it back from a backup of the keychain.',
  }
}

/** keytar, libsecret and D-Bus each have their own words for "there is none". */
function explainRefusal(
  answer: Exclude<KeychainAnswer, { kind: 'answered' }>,
  { MISSING }: Keychain,
  timeoutMs: number,
  hint = USE_FILE,
): Refusal {
  if (answer.kind === 'timeout') {
    return {
      kind: 'refused',
      message: `The keychain did not answer within ${timeoutMs / 1000} s: it may be waiting for its password.`,
      hint: KEYCHAIN_LOCKED.hint,
    }
  }
  if (answer.kind === 'gone') return KEYTAR_GONE
  const { message } = answer
  if (message.startsWith('Failed to load keytar')) {
    return { kind: 'refused', message: `There is no keychain here${MISSING}.`, hint }
  }
  if (/autolaunch|Could not connect|ServiceUnknown|not provided by any/.test(message)) {
    const said = `There is no keychain here: no Secret Service on a session bus (${message}).`
    return { kind: 'refused', message: said, hint }
  }
  return { kind: 'refused', message: `The keychain refuses: ${message}.`, hint }
}
