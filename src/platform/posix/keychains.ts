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
   * A program that no desktop session started (but cron, ssh or the boot) has none of its variables.
   * Once the user has signed in, the user's bus is at a known path nevertheless.
   */
  sessionEnv(env, runtimeDirs = '/run/user') {
    if (env.DBUS_SESSION_BUS_ADDRESS ?? env.XDG_RUNTIME_DIR) return env
    const directory = join(runtimeDirs, String(userId()))
    return existsSync(join(directory, 'bus')) ? { ...env, XDG_RUNTIME_DIR: directory } : env
  },
  async lockState(env, timeoutMs) {
    const options = { env, timeout: timeoutMs }
    const query = promisify(execFile)('busctl', ASK_WHETHER_LOCKED, options)
    // No busctl, no bus, no answer or no default collection: keytar gives the better message.
    const answer = await query.catch(() => undefined)
    if (!answer) return 'unknown'
    return answer.stdout.trim() === 'b true' ? 'locked' : 'unlocked'
  },
}

/** macOS itself asks the user to unlock it, and reports an error where it stays locked. */
export const macKeychain: Keychain = {
  MISSING: '',
  sessionEnv: (env) => env,
  lockState: async () => 'unlocked',
}
