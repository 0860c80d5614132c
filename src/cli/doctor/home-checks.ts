/** Checks whether others can read or change what the daemon stores on this machine, and where the vault's key is. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { notPrivateBecause } from '../../adapters/files/private-directory.ts'
import { ownership } from '../../platform/chosen.ts'
import type { DaemonProblem } from '../../core/daemon-problem.ts'
import { keyElsewhere } from '../../core/vault-key-elsewhere.ts'
import type { KeyChoice } from '../../core/vault-key-source.ts'
import { platform } from '../../platform/current.ts'
import type { Places } from '../../platform/for-clients.ts'
import { readHeader } from '../../adapters/vault/header.ts'
import { checkFault, type Check } from './checks.ts'

const { quoted } = platform

/**
 * @param choice returns `vault.key` of the config; called when the check runs.
 * @param tell gets problems of the daemon that block no token now.
 */
export function homeChecks(
  places: Places,
  uid: number,
  choice: () => KeyChoice,
  tell: (problems: readonly DaemonProblem[]) => void,
): Check[] {
  return [
    {
      id: 'permissions',
      async run() {
        const looked = [
          ...[places.stateDir, places.vault, places.runtimeDir].filter((path) =>
            isPrivateDirectory(path, uid),
          ),
          ...[places.accessKey, places.vaultKey, join(places.vault, 'vault.json')].filter((path) =>
            isPrivateFile(path, uid),
          ),
        ]
        if (looked.includes(places.stateDir)) await refuseOpen(places.stateDir)
        return looked.length > 0
          ? `${looked.length} directories and files are private to you`
          : 'nothing is stored for you here yet'
      },
    },
    { id: 'vault-key', run: async () => keyInWords(places, choice(), tell) },
  ]
}

/** For systems on which access is no part of a file's mode. @throws {SidecarError} */
async function refuseOpen(stateDir: string): Promise<void> {
  const answer = await platform.files.askAccess(stateDir, 'read')
  if (answer.kind !== 'open') return
  throw checkFault(`${stateDir} ${answer.reason}.`, `Close it: ${answer.mend}`)
}

/** False where there is none. @throws {SidecarError} */
function isPrivateDirectory(path: string, uid: number): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return false
  if (!stats.isDirectory()) {
    throw checkFault(`${path} is no directory.`, 'Move it away, and start the daemon again.')
  }
  const reason = notPrivateBecause(path, stats, uid)
  if (reason === undefined) return true
  throw checkFault(`${path} ${reason}`, 'Then start the daemon again.')
}

/** False where there is none. @throws {SidecarError} */
function isPrivateFile(path: string, uid: number): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return false
  if (ownership.isOwn(stats, uid) && !ownership.othersMayEnter(stats)) return true
  throw checkFault(
    `Others own or may read ${path}.`,
    `Close it: chown ${uid} ${quoted(path)}; chmod 600 ${quoted(path)}`,
  )
}

/** Says where the key is. It does not open a keychain, which might prompt. */
function keyInWords(
  { vault, vaultKey }: Places,
  choice: KeyChoice,
  tell: (problems: readonly DaemonProblem[]) => void,
): string {
  const read = readHeader(vault)
  if (read.kind === 'absent') return 'there is no vault of yours yet'
  if (read.kind === 'refused') throw checkFault(read.message, read.hint)
  const elsewhere = keyElsewhere(choice, read.header.source)
  if (elsewhere) tell([elsewhere])
  switch (read.header.source) {
    case 'keychain':
      return 'in the keychain'
    case 'credential':
      return 'a systemd credential'
    case 'file':
      if (lstatSync(vaultKey, { throwIfNoEntry: false })) return 'in a file'
      throw checkFault(
        `The vault's key is gone: there is no ${vaultKey}.`,
        `Put it back from a backup; or move ${quoted(vault)} away, restart the daemon and sign in again.`,
      )
  }
}
