/** The database that keepers and readers share, as the broker sees it. Implemented in `adapters/share/`. */
import type { Failure } from '../ports.ts'
import type { Instant, Reading } from '../token.ts'
import type { Pair } from './pair.ts'

/** An app among all keepers: one of the same name and another identity is another app. */
export interface AppKey {
  readonly app: string
  /** Lower-case hex SHA-256 of the app's identity. */
  readonly identityDigest: string
}

/** An app's row in the database, without its copies. */
export interface RowHead extends AppKey, Pair {
  /** Id of the keeper that is the home; null where there is none. */
  readonly home: string | null
  /** Changes with each write. */
  readonly revision: string
  /** Id of the keeper that asks to become the home. */
  readonly moveTo: string | null
}

/** The sealed copies of one record. */
export interface Copies {
  /** Id of the vault key that `session` is sealed with. */
  readonly kid: string
  readonly session: string
  /** Null where there is no access token. */
  readonly access: string | null
}

export interface CopiedRow extends RowHead {
  readonly access: string | null
}

export interface WholeRow extends CopiedRow {
  readonly kid: string
  readonly session: string
}

export interface KeeperRow {
  readonly id: string
  readonly name: string
  /** Changes with each process. */
  readonly instance: string
  readonly host: string
  readonly version: string
  /** SHA-256 of the apps in its config. */
  readonly configDigest: string
  /** Ids of the vault keys that it has. */
  readonly kids: readonly string[]
  /** When it last wrote here, by the database's clock; 0 since it stopped in order. */
  readonly beatAt: Instant
}

/** A request to an app's home from a daemon that has a copy only. */
export interface RenewalRequest extends AppKey {
  /** The access token that an API refused, as lower-case hex SHA-256. */
  readonly rejectedSha256: string | null
  /** How long the token should live at least, by the database's clock. */
  readonly until: Instant | null
  readonly askedAt: Instant
}

/** What the database said, and when. */
export interface DatabaseAnswer<T> {
  readonly value: T
  /** The database's clock, read in the statement. */
  readonly now: Instant
  /** Our clocks before the statement left, and after its answer came. */
  readonly sent: Reading
  readonly received: Reading
  /** Changes when another database process answers, or the table was created again: after a restart, a failover, a restore. */
  readonly incarnation: string
}

/** Undefined where the database did not answer. */
export type PromisedAnswer<T> = Promise<DatabaseAnswer<T> | undefined>

export interface Swap extends AppKey, Pair, Copies {
  /** The row has to be as it was when it was opened; null where there was none. */
  readonly revision: string | null
  /** The keeper that it is taken from must not have written since. */
  readonly silent?: { readonly id: string; readonly since: Instant }
}

/** Every method is one statement, which may be repeated: one without an answer may have been executed. */
export interface SharedStore {
  /** Why the last attempt to reach the database failed; undefined while it is reached. */
  fault(): Failure | undefined
  /** How long the last statement took, in milliseconds. */
  latencyMs(): number | undefined
  /** Whether more than one database of the list takes writes. */
  hasTwoPrimaries(): boolean
  close(): Promise<void>

  /** Writes the beat of this process, whatever process wrote the last one. */
  claim(keeper: Omit<KeeperRow, 'beatAt'>): PromisedAnswer<boolean>
  /** Writes the beat. False where another process writes under this id. */
  beat(keeper: Omit<KeeperRow, 'beatAt'>): PromisedAnswer<boolean>
  /** Says that this process stops in order: no keeper has to wait until its beat is old. */
  leave(keeper: Pick<KeeperRow, 'id' | 'instance'>): PromisedAnswer<boolean>
  keepers(): PromisedAnswer<readonly KeeperRow[]>

  heads(): PromisedAnswer<readonly RowHead[]>
  /** What was written after `since`, or everything. */
  changed(since: Instant | undefined): PromisedAnswer<readonly RowHead[]>
  /** The access tokens of these; of one without a row there is none. */
  copies(keys: readonly AppKey[]): PromisedAnswer<readonly CopiedRow[]>
  head(key: AppKey): PromisedAnswer<RowHead | undefined>
  open(key: AppKey): PromisedAnswer<WholeRow | undefined>

  /** Writes over the row unless it is newer. @returns the revision, or undefined where it is. */
  publish(row: AppKey & Pair & Copies, me: string): PromisedAnswer<string | undefined>
  /** Makes the row unless there is one. @returns the revision, or undefined where there is. */
  introduce(row: AppKey & Pair & Copies, me: string): PromisedAnswer<string | undefined>
  /** Makes this keeper the home. @returns the revision, or undefined where the row was changed meanwhile. */
  swap(swap: Swap, me: Pick<KeeperRow, 'id' | 'instance'>): PromisedAnswer<string | undefined>
  /** Gives the row to another home. @returns the revision, or undefined where the row is newer. */
  handOver(row: AppKey & Pair & Copies, to: string): PromisedAnswer<string | undefined>
  /** Takes this keeper out of the row, and keeps the number. */
  vacate(key: AppKey, revision: string): PromisedAnswer<boolean>
  /** Takes out of the row what another keeper could take over. */
  withdraw(key: AppKey, me: string): PromisedAnswer<boolean>
  /** Asks the home to hand over. */
  askToMove(key: AppKey, revision: string, to: string): PromisedAnswer<boolean>
  /** Withdraws that request. */
  endMove(key: AppKey, to: string): PromisedAnswer<boolean>

  askToRenew(request: Omit<RenewalRequest, 'askedAt'>): PromisedAnswer<boolean>
  renewalRequests(): PromisedAnswer<readonly RenewalRequest[]>
  /** Deletes a request that was answered. */
  deleteRenewalRequest(request: RenewalRequest): PromisedAnswer<boolean>

  /** Tells the hosts that listen that something changed; a failure is ignored. */
  announce(): void
  /** Calls back when another host announced something. Best effort. */
  onAnnounced(listener: () => void): void
}
