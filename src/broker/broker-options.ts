/** What the broker is created with. */
import type { RedirectListener } from '../core/redirect-listener.ts'
import type { OpenedVault } from '../core/vault.ts'
import type { BrokerDeps } from './broker-deps.ts'
import type { KeeperSharing } from './sharing/keeper-sharing.ts'
import type { WakeWatchDeps } from './wake-watch.ts'

export interface BrokerOptions extends Omit<BrokerDeps, 'onGrant'>, WakeWatchDeps {
  readonly openVault: () => Promise<OpenedVault>
  readonly listener: RedirectListener
  /** An unguessable name for a sign-in. */
  readonly newId: () => string
  /** The id of this daemon among keepers, if it was ever one. */
  readonly keeperId?: string | undefined
  /** Where the sessions are shared with other hosts. */
  readonly sharing?: KeeperSharing
}
