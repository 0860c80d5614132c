/**
 * Whether an app's session may be spent here: where it is shared with other hosts, only its home may
 * (docs/many-hosts.md). Everything that spends or revokes asks this; nothing else in the broker does.
 */
import type { Failure } from '../core/ports.ts'
import type { Words } from '../core/case-row.ts'
import type { Subject } from '../core/token.ts'
import type { Sharing } from '../core/vault.ts'
import type { SidecarError } from '../errors.ts'

/** Why nothing of the app may be spent here. */
export type HomeFault =
  /** Another keeper is the home. */
  | 'elsewhere'
  /** It cannot be told whether this keeper is still the home. */
  | 'not_confirmed'
  /** It was shared, and the config no longer has "share". */
  | 'still_shared'

export interface AppHome {
  /** Undefined where the app may be renewed here. */
  fault(): HomeFault | undefined
  /** The name of the keeper that is the home; undefined for a session that is not shared. */
  homeName(): string | undefined
  /** What the owner is told about the fault; undefined for what its code says anyway. */
  words(): Words | undefined
  /**
   * Asked when the connection is established, immediately before the first byte is sent.
   *
   * @param sessionNumber of the session that is spent: if the app has another one now, that session is over.
   */
  question(kind: 'refresh' | 'redemption', sessionNumber: number): Promise<Failure | undefined>
  /** Why an owner's change may not be made here now. */
  refuseChange(): Promise<SidecarError | undefined>
  /** Why a person may not sign in here now. */
  refuseSignIn(): Promise<SidecarError | undefined>
  /** The person whose session a new sign-in replaces; undefined without one, or where that is not known. */
  subject(): Subject | undefined
  /** What a sign-in that was just granted has to store; undefined to keep what is stored. */
  sharingOfSignIn(): Sharing | undefined
  /** Makes a stored sign-in the session of all keepers. Runs in the app's queue. @returns why it could not. */
  settleSignIn(): Promise<string | undefined>
  /**
   * Ends the sharing, at the owner's command, where this is the home: the session is this daemon's own then.
   *
   * @returns whether no copy of it is left that another keeper could take over.
   */
  leave(): Promise<boolean>
  /** Publishes the last record. @returns whether other hosts find it now; undefined where it is not shared. */
  publish(): Promise<boolean | undefined>
}
