/** The Secret Service of Linux desktops, and the keychain of macOS. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Keychain } from '../platform.ts'
import { userId } from './ownership.ts'

/** Asks the Secret Service for a property: starts the service, opens no dialog. */
const ASK_WHETHER_LOCKED = [
  '--user',
  'get-property',
  'org.freedesktop.secrets',
  '/org/freedesktop/secrets/aliases/default',
  'org.freedesktop.Secret.Collection',
  'Locked',
]

export const secretService: Keychain = {
  MISSING: ': libsecret (libsecret-1.so.0) is not installed',
  /**
   * A program that was started by no desktop session (by cron, over ssh, at boot) has none of its
   * variables. The bus of its user is at a known path all the same, from when the user signs in.
   */
  sessionEnv(env, runtimeDirs = '/run/user') {
    if (env.DBUS_SESSION_BUS_ADDRESS ?? env.XDG_RUNTIME_DIR) return env
    const directory = join(runtimeDirs, String(userId()))
    return existsSync(join(directory, 'bus')) ? { ...env, XDG_RUNTIME_DIR: directory } : env
  },
  async lockState(env, timeoutMs) {
    const options = { env, timeout: timeoutMs }
    const asked = promisify(execFile)('busctl', ASK_WHETHER_LOCKED, options)
    // Without busctl, a bus, an answer or a default collection: keytar will say more.
    const answer = await asked.catch(() => undefined)
    if (!answer) return 'unknown'
    return answer.stdout.trim() === 'b true' ? 'locked' : 'unlocked'
  },
}

/** It asks its user itself, and answers with an error where it stays locked. */
export const macKeychain: Keychain = {
  MISSING: '',
  sessionEnv: (env) => env,
  lockState: async () => 'unlocked',
}
