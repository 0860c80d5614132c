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

/** What stands of an app in the database, without its copies. */
export interface RowHead extends AppKey, Pair {
  /** Id of the keeper that is the home; null where there is none. */
  readonly home: string | null
  /** Another one with each write. */
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
  /** Another one with each process. */
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

/** A request of those who have no home at hand, for the home. */
export interface Wanted extends AppKey {
  /** The access token that an API refused, as lower-case hex SHA-256. */
  readonly rejectedSha256: string | null
  /** The token should live until then, by the database's clock. */
  readonly until: Instant | null
  readonly askedAt: Instant
}

/** What the database said, and when. */
export interface Answer<T> {
  readonly value: T
  /** The database's clock, read in the statement. */
  readonly now: Instant
  /** Our clocks before the statement left, and after its answer came. */
  readonly sent: Reading
  readonly received: Reading
  /** Another one when another database process answers, or the table was made anew: after a restart, a failover, a restore. */
  readonly incarnation: string
}

/** Undefined where the database did not answer. */
export type Asked<T> = Promise<Answer<T> | undefined>

export interface Swap extends AppKey, Pair, Copies {
  /** The row has to be as it was when it was opened; null where there was none. */
  readonly revision: string | null
  /** The keeper that it is taken from must not have written since. */
  readonly silent?: { readonly id: string; readonly since: Instant }
}

/** Every method is one statement, which may be repeated: one that was not answered may have been done. */
export interface SharedStore {
  /** Why the last attempt to reach the database failed; undefined while it is reached. */
  fault(): Failure | undefined
  /** How long the last statement took, in milliseconds. */
  latencyMs(): number | undefined
  /** Whether more than one database of the list takes writes. */
  hasTwoPrimaries(): boolean
  close(): Promise<void>

  /** Writes the beat of this process, whatever process wrote the last one. */
  claim(keeper: Omit<KeeperRow, 'beatAt'>): Asked<boolean>
  /** Writes the beat. False where another process writes under this id. */
  beat(keeper: Omit<KeeperRow, 'beatAt'>): Asked<boolean>
  /** Says that this process stops in order: no keeper has to wait until its beat is old. */
  leave(keeper: Pick<KeeperRow, 'id' | 'instance'>): Asked<boolean>
  keepers(): Asked<readonly KeeperRow[]>

  heads(): Asked<readonly RowHead[]>
  /** What was written after `since`, or everything. */
  changed(since: Instant | undefined): Asked<readonly CopiedRow[]>
  head(key: AppKey): Asked<RowHead | undefined>
  open(key: AppKey): Asked<WholeRow | undefined>

  /** Writes over the row unless it is newer. @returns the revision, or undefined where it is. */
  publish(row: AppKey & Pair & Copies, me: string): Asked<string | undefined>
  /** Makes the row unless there is one. @returns the revision, or undefined where there is. */
  introduce(row: AppKey & Pair & Copies, me: string): Asked<string | undefined>
  /** Makes this keeper the home. @returns the revision, or undefined where the row was changed meanwhile. */
  swap(swap: Swap, me: Pick<KeeperRow, 'id' | 'instance'>): Asked<string | undefined>
  /** Gives the row to another home. @returns the revision, or undefined where the row is newer. */
  handOver(row: AppKey & Pair & Copies, to: string): Asked<string | undefined>
  /** Takes this keeper out of the row, and keeps the number. */
  vacate(key: AppKey, revision: string): Asked<boolean>
  /** Takes out of the row what another keeper could take over. */
  withdraw(key: AppKey, me: string): Asked<boolean>
  /** Asks the home to hand over. */
  askToMove(key: AppKey, revision: string, to: string): Asked<boolean>

  want(wanted: Omit<Wanted, 'askedAt'>): Asked<boolean>
  wanted(): Asked<readonly Wanted[]>
  /** Takes a wish away that was answered. */
  fulfil(wanted: Wanted): Asked<boolean>

  /** Tells who listens that something changed; a failure is ignored. */
  announce(): void
  /** Calls back when another host announced something. Best effort. */
  onAnnounced(listener: () => void): void
}
