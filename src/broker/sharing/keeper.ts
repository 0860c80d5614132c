/** What an app of a keeper that shares needs to know of its keeper. */
import type { Clock } from '../../core/ports.ts'
import type { Words } from '../../core/problem.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  Answer,
  Asked,
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
  /** Whether a person has ended the sharing: nothing is shared anew until the next start. */
  hasLeft(): boolean
  /** Whether the database may be believed: one takes writes, and this keeper has watched it for long enough. */
  isDatabaseKnown(): boolean
  /** Whether the others can see that this process runs. */
  hasBeaten(): boolean
  /** Whether a keeper has written its beat of late. */
  isAlive(id: string): boolean
  whyNotConfirmed(): Words | undefined
  /** Why no app may get another home now. */
  refuseChangeOfHome(): SidecarError | undefined
  /** An answer that comes in the time that a question may take, and undefined after it. */
  within<T>(asked: Asked<T>): Asked<T>
  /** A number above every one that was seen. */
  nextNumber(row: Pick<RowHead, 'number'> | undefined, sharing: Sharing | undefined): number
  /** The database's clock as it was last told. */
  databaseClock(): Answer<unknown> | undefined
  /** The name of a keeper, for people. */
  nameOf(id: string | null | undefined): string
  /** Tells the other hosts that something changed. */
  announce(): void
  /** Has the rows read again soon. */
  lookSoon(): void
}
