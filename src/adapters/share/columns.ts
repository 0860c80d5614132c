/** Rows as the driver returns them. Every column is null where the stamp came without a row. */
import type { QueryResultRow } from 'pg'
import type {
  KeeperRow,
  RowHead,
  RenewalRequest,
  WholeRow,
} from '../../core/sharing/shared-store.ts'

export interface AppColumns extends QueryResultRow {
  readonly name: string | null
  readonly identity_digest: string
  readonly home: string | null
  readonly home_no: string
  readonly generation: string
  readonly revision: string
  readonly move_to: string | null
  readonly access: string | null
  readonly kid: string
  readonly session: string | null
}

export interface KeeperColumns extends QueryResultRow {
  readonly id: string | null
  readonly name: string
  readonly instance: string
  readonly host: string
  readonly version: string
  readonly config_digest: string
  readonly kids: readonly string[]
  readonly beat_at: string
}

export function toKeeper(row: KeeperColumns): KeeperRow[] {
  const { id, instance, kids } = row
  if (id === null) return []
  const { config_digest: configDigest } = row
  const beatAt = Number(row.beat_at)
  // They are shown to people, and no name of a host is longer.
  const short = (text: string) => text.slice(0, 255)
  const [name, host, version] = [short(row.name), short(row.host), short(row.version)]
  return [{ id, name, instance, host, version, configDigest, kids, beatAt }]
}

export interface WantedColumns extends QueryResultRow {
  readonly name: string | null
  readonly identity_digest: string
  readonly rejected_sha256: string | null
  readonly until: string | null
  readonly asked_at: string
}

export function toRenewalRequest({
  name,
  identity_digest,
  rejected_sha256,
  until: untilMs,
  asked_at,
}: WantedColumns): RenewalRequest[] {
  if (name === null) return []
  const rejectedSha256 = rejected_sha256
  const [until, askedAt] = [untilMs === null ? null : Number(untilMs), Number(asked_at)]
  return [{ app: name, identityDigest: identity_digest, rejectedSha256, until, askedAt }]
}

export function toHead(row: AppColumns): RowHead[] {
  const { name, identity_digest: identityDigest, home, revision, move_to: moveTo } = row
  if (name === null) return []
  // A bigint comes as text; ours stay far below what a number can hold.
  const [number, generation] = [Number(row.home_no), Number(row.generation)]
  return [{ app: name, identityDigest, home, number, generation, revision, moveTo }]
}

export function toWhole(row: AppColumns): WholeRow[] {
  const { access, kid, session } = row
  return session === null ? [] : toHead(row).map((head) => ({ ...head, access, kid, session }))
}
