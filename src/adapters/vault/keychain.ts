/**
 * The operating system's keychain as a place for vault keys: one small item, named by the vault's
 * id. It is never asked while it is known to be locked, so no dialog ever opens; and since a locked
 * one answers "nothing" exactly like an empty one, nothing means locked unless it is known not to be.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Secret } from '../../secret.ts'
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

const SERVICE = 'evo-token'

/** A keychain that is open answers within milliseconds; one that does not is waiting for a person. */
const TIMEOUT_MS = 10_000

/** Asks the Secret Service for a property: starts the service, opens no dialog. */
const ASK_WHETHER_LOCKED = [
  '--user',
  'get-property',
  'org.freedesktop.secrets',
  '/org/freedesktop/secrets/aliases/default',
  'org.freedesktop.Secret.Collection',
  'Locked',
]

export interface KeychainOptions {
  readonly env?: NodeJS.ProcessEnv
  /** Where systemd puts the runtime directory of each user. */
  readonly runtimeDirs?: string
  readonly platform?: NodeJS.Platform
  readonly timeoutMs?: number
}

export function createKeychain(options: KeychainOptions = {}): KeyPlace {
  const { platform = process.platform, timeoutMs = TIMEOUT_MS } = options
  const env = () => withSessionBus(options)
  const ask = (operation: KeychainQuestion['operation'], ...values: readonly string[]) =>
    askKeychain({ operation, values: [SERVICE, ...values] }, env(), timeoutMs)
  const lockState = () => (platform === 'darwin' ? 'unknown' : askWhetherLocked(env(), timeoutMs))

  async function read(vaultId: string): Promise<KeysRead> {
    const state = await lockState()
    if (state === 'locked') return LOCKED
    const answer = await ask('getPassword', vaultId)
    if (answer.kind !== 'answered') {
      return explain(answer, platform, timeoutMs, COMES_LATER)
    }
    if (typeof answer.value === 'string') return toKeys(answer.value, vaultId)
    return state === 'unlocked' || platform === 'darwin' ? deleted(vaultId) : LOCKED_OR_DELETED
  }

  async function write(vaultId: string, keys: readonly Secret[]): Promise<KeysChanged> {
    if ((await lockState()) === 'locked') return LOCKED
    const answer = await ask('setPassword', vaultId, formatKeys(keys))
    if (answer.kind !== 'answered') return explain(answer, platform, timeoutMs)
    const kept = await ask('getPassword', vaultId)
    const there = typeof kept === 'object' && 'value' in kept ? String(kept.value) : ''
    return sameKeys(parseKeys(Buffer.from(there)) ?? [], keys)
      ? { kind: 'done' }
      : { kind: 'refused', message: 'The keychain does not keep what it is given.', hint: USE_FILE }
  }

  async function remove(vaultId: string): Promise<KeysChanged> {
    if ((await lockState()) === 'locked') return LOCKED
    const answer = await ask('deletePassword', vaultId)
    // "false" means that there was nothing to delete.
    return answer.kind === 'answered' ? { kind: 'done' } : explain(answer, platform, timeoutMs)
  }

  return { source: 'keychain', read, write, remove }
}

/**
 * A program that was started by no desktop session (by cron, over ssh, at boot) has none of its
 * variables. The bus of its user is at a known place all the same, from when the user signs in.
 */
function withSessionBus({ env = process.env, runtimeDirs = '/run/user' }: KeychainOptions) {
  if (env.DBUS_SESSION_BUS_ADDRESS ?? env.XDG_RUNTIME_DIR) return env
  const directory = join(runtimeDirs, String(process.getuid?.()))
  return existsSync(join(directory, 'bus')) ? { ...env, XDG_RUNTIME_DIR: directory } : env
}

async function askWhetherLocked(env: NodeJS.ProcessEnv, timeoutMs: number) {
  const options = { env, timeout: timeoutMs }
  const asked = promisify(execFile)('busctl', ASK_WHETHER_LOCKED, options)
  // Without busctl, a bus, an answer or a default collection: keytar will say more.
  const answer = await asked.catch(() => undefined)
  if (!answer) return 'unknown'
  return answer.stdout.trim() === 'b true' ? 'locked' : 'unlocked'
}

const USE_FILE =
  'Without a keychain the key can be kept in a file: "vault": { "key": "file" } in the config of a new vault.'

/** A vault that has its key there has no other way. */
const COMES_LATER =
  'Once it is there, evo-token goes on by itself; on a desktop it comes with the sign-in.'

const LOCKED: Refusal = {
  kind: 'refused',
  message: 'The keychain is locked.',
  hint: 'Unlock it, by signing in to the desktop or in its password manager; evo-token tries again by itself.',
}

const LOCKED_OR_DELETED: Refusal = {
  kind: 'refused',
  message:
    'The keychain gives no key for this vault: it is locked or empty, and does not tell which.',
  hint: LOCKED.hint,
}

function deleted(vaultId: string): KeysRead {
  return {
    kind: 'none',
    message: `The keychain is unlocked and has no item of the service "${SERVICE}" for the account "${vaultId}": somebody deleted it.`,
    hint: 'Put the item back from a backup of the keychain.',
  }
}

function toKeys(value: string, vaultId: string): KeysRead {
  const keys = parseKeys(Buffer.from(value))
  if (keys) return { kind: 'keys', keys }
  return {
    kind: 'refused',
    message: `The keychain's item of the service "${SERVICE}" for the account "${vaultId}" is no vault key.`,
    hint: 'Somebody changed it: put it back from a backup of the keychain.',
  }
}

/** keytar, libsecret and D-Bus each say "there is none" in words of their own. */
function explain(
  answer: Exclude<KeychainAnswer, { kind: 'answered' }>,
  platform: NodeJS.Platform,
  timeoutMs: number,
  hint = USE_FILE,
): Refusal {
  if (answer.kind === 'timeout') {
    return {
      kind: 'refused',
      message: `The keychain did not answer within ${timeoutMs / 1000} s: it may be waiting for its password.`,
      hint: LOCKED.hint,
    }
  }
  const { message } = answer
  if (message.startsWith('Failed to load keytar')) {
    const why = platform === 'linux' ? ': libsecret (libsecret-1.so.0) is not installed' : ''
    return { kind: 'refused', message: `There is no keychain here${why}.`, hint }
  }
  if (/autolaunch|Could not connect|ServiceUnknown|not provided by any/.test(message)) {
    const said = `There is no keychain here: no Secret Service on a session bus (${message}).`
    return { kind: 'refused', message: said, hint }
  }
  return { kind: 'refused', message: `The keychain refuses: ${message}.`, hint }
}
