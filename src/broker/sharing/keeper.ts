/** What a shared app needs to know about its keeper. */
import type { Clock } from '../../core/ports.ts'
import type { Words } from '../../core/case-row.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  DatabaseAnswer,
  PromisedAnswer,
  KeeperRow,
  RowHead,
  SharedStore,
} from '../../core/sharing/shared-store.ts'
import type { RecordCopies, Sharing } from '../../core/vault.ts'
import type { SidecarError } from '../../errors.ts'

export interface Keeper {
  readonly id: string
  readonly identity: Pick<KeeperRow, 'id' | 'instance'>
  readonly clock: Clock
  readonly store: SharedStore
  readonly policy: SharingPolicy
  /** Undefined while the vault is not open. */
  copies(): RecordCopies | undefined
  /** Whether this process may believe what its disk says of homes. */
  isConfirmed(): boolean
  /** Whether what its disk has may be published: also where another process has taken its id since. */
  mayPublish(): boolean
  /** Whether one database takes writes, and one process runs under the id. */
  homesMayChange(): boolean
  /** Whether the owner has ended the sharing: nothing is shared again until the next start. */
  hasLeft(): boolean
  /** Whether the database may be believed: one takes writes, and this keeper has watched it for long enough. */
  isDatabaseKnown(): boolean
  /** Whether the others can see that this process runs. */
  hasBeaten(): boolean
  /** Whether a keeper has written its beat recently. */
  isAlive(id: string): boolean
  whyNotConfirmed(): Words | undefined
  /** Why no app may get another home now. */
  refuseChangeOfHome(): SidecarError | undefined
  /** The answer, if it comes within the time that a question may take; undefined otherwise. */
  within<T>(asked: PromisedAnswer<T>): PromisedAnswer<T>
  /** A number above every one that was seen. */
  nextNumber(row: Pick<RowHead, 'number'> | undefined, sharing: Sharing | undefined): number
  /** A generation above all that other processes under this id have stored; 0 before this one is confirmed. */
  firstGeneration(): number
  /** The last answer of the database, with its clock. */
  databaseClock(): DatabaseAnswer<unknown> | undefined
  /** The name of a keeper, for people. */
  nameOf(id: string | null | undefined): string
  /** Tells the other hosts that something changed. */
  announce(): void
  /** Has the rows read again soon. */
  lookSoon(): void
}
