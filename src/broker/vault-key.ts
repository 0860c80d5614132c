/** What the owner may do with the vault's key. */
import { OWNER_NAME } from '../core/names.ts'
import type { KeySource, WritableSource } from '../core/vault-key-source.ts'
import { SidecarError } from '../errors.ts'
import type { BrokerOptions } from './broker-options.ts'
import type { ManagedApps } from './managed-apps.ts'
import type { VaultAccess } from './vault-access.ts'

export interface VaultKeyChanges {
  /** Where the key is; undefined while that is not known. */
  source(): KeySource | undefined
  /** @throws {SidecarError} `vault_locked`, `invalid_request` where other keepers have the key, and as `VaultKeys.rotate`. */
  rotate(): Promise<void>
  /** @throws {SidecarError} `vault_locked`, `invalid_request` where other keepers have the key, and as `VaultKeys.move`. */
  move(to: WritableSource): Promise<void>
}

export function createVaultKeyChanges(
  { sharing, onActivity }: Pick<BrokerOptions, 'sharing' | 'onActivity'>,
  vault: VaultAccess,
  apps: ManagedApps,
): VaultKeyChanges {
  return {
    source: () => vault.keySource,
    async rotate() {
      if (sharing) throw sharedKeyError(HOW_TO_ROTATE)
      await vault.requireOpen().keys.rotate((app, work) => {
        const managed = apps.find(app)
        return managed ? managed.state.queue.run(work) : work()
      })
      onActivity({ kind: 'vault_key_rotated', caller: OWNER_NAME })
    },
    async move(to) {
      if (sharing) throw sharedKeyError(WHERE_KEYS_ARE)
      await vault.requireOpen().keys.move(to)
      onActivity({ kind: 'vault_key_moved', caller: OWNER_NAME })
    },
  }
}

const HOW_TO_ROTATE =
  'Put the new key on the second line of the key at every keeper and restart each, then on the first; docs/many-hosts.md has the steps.'

const WHERE_KEYS_ARE =
  'A keeper has it in its state directory ("vault": { "key": "file" }) or as a systemd credential ("credential"): stop the daemon, put it there, and say so in the config.'

function sharedKeyError(hint: string): SidecarError {
  return new SidecarError('invalid_request', 'Other keepers have the vault key, too.', { hint })
}
