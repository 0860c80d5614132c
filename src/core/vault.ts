/** The vault as the broker sees it: records on disk, and the key that they are encrypted with. */
import type { Identity } from './app.ts'
import type { Failure, PastFailure } from './ports.ts'
import type { SessionLife } from './session-end.ts'
import type { AppKey, Copies } from './sharing/shared-store.ts'
import type { Pair } from './sharing/pair.ts'
import type { StoredTokens } from './stored-tokens.ts'
import type { Instant, Sealed, UnknownMembers } from './token.ts'
import type { KeySource, WritableSource } from './vault-key-source.ts'

/**
 * One app as the vault keeps it. A change of the app replaces the record and copies what it does not
 * change, unknown members included: those of the record end when the record is deleted.
 */
export interface AppRecord extends SessionLife, UnknownMembers {
  /** Grows by one with each record stored. */
  readonly generation: number
  readonly identity: Identity
  readonly tokens?: StoredTokens
  /** The scopes that the last sign-in asked for, space-separated. */
  readonly askedScope?: string
  /** Why the session ended, where a person has not signed in since. */
  readonly lost?: PastFailure
  readonly clientSecret?: Sealed
  /** A newer client secret that no grant has proven yet. */
  readonly nextClientSecret?: Sealed
  /** Absent for a session that was never published to other hosts. */
  readonly sharing?: Sharing
}

/** Which keeper is the home of a session that has copies at other hosts (docs/many-hosts.md). */
export interface Sharing extends UnknownMembers {
  /** Id of the keeper that is the home: it alone may spend the refresh token. */
  readonly home: string
  /** Grows each time that another keeper becomes the home. */
  readonly number: number
  /** The number of the key that readers have for the app. */
  readonly readerKey: number
  /** This keeper has handed the session over, and the row does not show that yet. */
  readonly handedOver?: true
  /** A sign-in that is not yet the session of all keepers: the revision that it replaces, null for none. */
  readonly pending?: string | null
}

export interface LoadedRecord {
  /** Absent where only an attempt was found: the first sign-in of an app that never got its answer. */
  readonly record: AppRecord | undefined
  /** An attempt was marked before a request, and nothing tells that its answer ever came. */
  readonly unanswered: boolean
  /** The app's record was there and could not be read; it was set aside. */
  readonly damaged: boolean
  /** A newer version wrote what this one cannot read. Nothing was touched, and the other members mean nothing. */
  readonly newer?: true
}

export type StoreResult =
  | { readonly kind: 'stored' }
  /** A newer version wrote the app's record, or the mark beside it: it is left as it is. */
  | { readonly kind: 'newer' }
  /** The disk refused. Nothing was lost: what was stored before is still there. */
  | { readonly kind: 'unwritable'; readonly failure: Failure }
  /** The record on disk is not the predecessor of this one: another process wrote it. */
  | { readonly kind: 'changed' }

/** The records of an open vault, one for each app. README, "Never lose a session". */
export interface VaultRecords {
  /**
   * The record, where it fits the app's identity; another one is kept aside until the config fits it again.
   *
   * @throws {SidecarError} `unavailable` where it is there and cannot be read now.
   */
  load(entry: VaultEntry): Promise<LoadedRecord | undefined>
  /**
   * Proves that a successor of `record` can be stored, and marks the attempt: room for twice the
   * record, 64 KiB at least, really written and synced. Does nothing where this generation's
   * reservation is there already.
   *
   * @param toCome what is to be stored then, where that is known: the room is for it too.
   */
  reserve(app: string, record: AppRecord, toCome?: AppRecord): Promise<StoreResult>
  /**
   * Makes `record` durable: written, synced, renamed, directory synced. Ends the reservation.
   *
   * @param unanswered whether a request spent what it holds, and its answer never came: stored in one step with it.
   * @param follows the generation that has to be on disk; the one before its own if left out.
   */
  store(
    app: string,
    record: AppRecord,
    unanswered?: boolean,
    follows?: number,
  ): Promise<StoreResult>
  /** Ends a reservation whose request was answered with nothing to store. */
  release(app: string): Promise<void>
  /** As `store`, whatever is on disk: what another keeper published is newer. */
  takeIn(app: string, record: AppRecord, unanswered?: boolean): Promise<StoreResult>
  /** Deletes the app's record and its reservation. */
  remove(app: string): Promise<StoreResult>
  /** Whether a newer version wrote what `load` would look at. Only looks, so it may be asked at any time. */
  isNewer(entry: VaultEntry): Promise<boolean>
}

/** The key of an open vault. */
export interface VaultKeys {
  /**
   * Makes a new vault key and re-encrypts every record with it; survives a kill at any point.
   * The work on each app's files is handed to `inQueue`, so that it never meets a refresh.
   *
   * @throws {SidecarError} `invalid_request` where the key's source cannot be written by us.
   */
  rotate(inQueue: (app: string, work: () => Promise<void>) => Promise<void>): Promise<void>
  /**
   * Moves the vault key to another place and proves it there before the old one is deleted.
   *
   * @throws {SidecarError} `invalid_request`, `unavailable` where the new place does not take it.
   */
  move(to: WritableSource): Promise<void>
  /** Where the key is now. */
  source(): KeySource
  /** The SHA-256 of each vault key, as text. */
  digests(): readonly string[]
}

export interface VaultEntry {
  readonly app: string
  readonly identity: Identity
}

/** A record, and what goes with it to other hosts. */
export interface RecordCopy extends AppKey, Pair {
  readonly record: AppRecord
  /** A request spent what the record holds, and its answer never came. */
  readonly unanswered: boolean
  /** Absent where there is no access token to serve. */
  readonly access?: AccessCopy
}

/** An access token for daemons that have no record of the app. */
export interface AccessCopy {
  readonly accessToken: Sealed
  /** By the database's clock; null for a token that does not end. */
  readonly endsAt: Instant | null
  readonly scope?: string
}

/** `unknown-key`: sealed with a key that is not here. `broken`: damaged, or sealed for another row. */
export type OpenResult<T> =
  { readonly kind: 'opened'; readonly value: T } | { readonly kind: 'unknown-key' | 'broken' }

/** Seals copies of records for other hosts, and opens theirs. */
export interface RecordCopies {
  /** Ids of the vault keys that are here. */
  kids(): readonly string[]
  seal(copy: RecordCopy): Promise<Copies>
  openSession(
    row: AppKey & Pair & Pick<Copies, 'session'>,
  ): Promise<OpenResult<Pick<RecordCopy, 'record' | 'unanswered'>>>
  openAccess(row: AppKey & Pair & Pick<Copies, 'access'>): Promise<OpenResult<AccessCopy>>
  /** The keys that readers of the app need, one for each vault key; `number` as in `Sharing.readerKey`. */
  readerKeys(app: string, number: number): readonly Sealed[]
}

/** Our encrypted files, open. */
export interface Vault {
  readonly records: VaultRecords
  readonly keys: VaultKeys
  readonly copies: RecordCopies
}

/** A vault that could not be opened: `vault_locked`, with the reason for people. */
export interface LockedVault {
  readonly kind: 'locked'
  readonly failure: Failure
  readonly hint: string
  /** Where the vault says its key is, if that is why it is locked. */
  readonly keySource?: KeySource | undefined
}

export type OpenedVault = ({ readonly kind: 'open' } & Vault) | LockedVault
