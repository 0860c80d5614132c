/**
 * Whether an app's session may be spent here: where it is shared with other hosts, by its home alone.
 * docs/many-hosts.md. Everything that spends or revokes asks this, and nothing else of the broker does.
 */
import type { Failure } from '../core/ports.ts'
import type { Words } from '../core/problem.ts'
import type { Subject } from '../core/token.ts'
import type { Sharing } from '../core/vault.ts'
import type { SidecarError } from '../errors.ts'

/** Why nothing of the app may be spent here. */
export type HomeFault =
  /** Another keeper is the home. */
  | 'elsewhere'
  /** It cannot be told whether this keeper is still the home. */
  | 'not_confirmed'
  /** It was shared, and the config says nothing of that any more. */
  | 'still_shared'

export interface AppHome {
  /** Undefined where the app may be renewed here. */
  fault(): HomeFault | undefined
  /** The name of the keeper that is the home; undefined for a session that is not shared. */
  homeName(): string | undefined
  /** What is said of the fault besides; for the owner. */
  words(): Words | undefined
  /**
   * Asked when the connection stands, immediately before the first byte leaves.
   *
   * @param sessionNumber of the session that is spent: another one now means that this one is over.
   */
  question(kind: 'refresh' | 'redemption', sessionNumber: number): Promise<Failure | undefined>
  /** Why an owner's change may not be made here now. */
  refuseChange(): Promise<SidecarError | undefined>
  /** Why a person may not sign in here now. */
  refuseSignIn(): Promise<SidecarError | undefined>
  /** Who is signed in, and would be replaced by another sign-in; undefined for no one, or where that is not known. */
  subject(): Subject | undefined
  /** What a sign-in that was just granted has to store; undefined for what stands there. */
  sharingOfSignIn(): Sharing | undefined
  /** Makes a stored sign-in the session of all. Runs in the app's queue. @returns why it could not. */
  settleSignIn(): Promise<string | undefined>
  /**
   * Ends the sharing on a person's word, where this is the home: what is here is this daemon's own then.
   *
   * @returns whether no copy of it is left that another keeper could take over.
   */
  leave(): Promise<boolean>
  /** Publishes the last record. Whether other hosts find it now; undefined where none looks. */
  publish(): Promise<boolean | undefined>
}
