/** What `evo-token share status` shows. */
import { DAY_MS } from '../core/durations.ts'
import type { Database } from '../adapters/share/database.ts'
import type { DatabaseHost } from '../adapters/share/primary-search.ts'
import type { KeeperSharing } from '../broker/sharing/keeper-sharing.ts'
import type { SharedApp } from '../broker/sharing/shared-app.ts'
import type { ShareSettings } from '../config/share-settings.ts'
import type { Clock } from '../core/ports.ts'
import type { KeeperRow } from '../core/sharing/shared-store.ts'

/** How long a silent keeper is shown that is the home of no app. */
const FORGOTTEN_MS = 30 * DAY_MS

interface SharingView {
  readonly settings: ShareSettings
  readonly name: string
  readonly database: Database
  readonly clock: Clock
  /** Absent for a reader. */
  readonly sharing?: KeeperSharing
}

export function describeSharing({ settings, name, database, clock, sharing }: SharingView): object {
  const { fault, latencyMs, primaries, hosts } = database
  return {
    shared: true,
    role: settings.role,
    name,
    database: {
      hosts: settings.hosts,
      primaries,
      latency_ms: latencyMs === undefined ? null : Math.round(latencyMs),
      error: fault?.message ?? null,
      servers: hosts.map(describeHost),
    },
    ...(sharing && describeKeeper(sharing, clock)),
  }
}

function describeHost({ host, isEncrypted, found, error }: DatabaseHost) {
  return {
    host,
    error: error ?? null,
    tls: isEncrypted,
    takes_writes: found ? !found.isReadOnly : null,
    version: found?.serverVersion ?? null,
    schema_version: found?.schemaVersion ?? null,
    rights: found?.rights ?? null,
    readable_apps: found?.readableApps ?? null,
  }
}

function describeKeeper(sharing: KeeperSharing, clock: Clock) {
  const known = sharing.keeper.databaseClock()
  // The database's clock by now: while the database gives no answer, no beat of a keeper is seen.
  const now = known && known.now + clock.read().mono - known.received.mono
  const own = sharing.keeper.keepers.find(({ id }) => id === sharing.keeper.id)
  const kids = sharing.keeper.copies()?.kids() ?? []
  const homes = new Set(sharing.all().map(({ row }) => row?.home))
  const isForgotten = ({ id, beatAt }: KeeperRow) =>
    now !== undefined && now - beatAt > FORGOTTEN_MS && !homes.has(id)
  return {
    id: sharing.keeper.id,
    confirmed: sharing.keeper.isConfirmed(),
    message: sharing.keeper.whyNotConfirmed()?.message ?? null,
    keepers: sharing.keeper.keepers
      .filter((keeper) => !isForgotten(keeper))
      .map((keeper) => ({
        name: keeper.name,
        id: keeper.id,
        host: keeper.host,
        version: keeper.version,
        beat_at: keeper.beatAt === 0 ? null : new Date(keeper.beatAt).toISOString(),
        alive: now !== undefined && sharing.keeper.beat.isAlive(keeper, now),
        same_apps: own === undefined || keeper.configDigest === own.configDigest,
        same_key: haveTheirFirstKeys(kids, keeper.kids),
      })),
    apps: sharing.all().map((app) => describeApp(app, sharing)),
  }
}

/** Each keeper seals with its first key, and has to open what the other one seals. */
function haveTheirFirstKeys(own: readonly string[], others: readonly string[]): boolean {
  const [[ownFirst], [otherFirst]] = [own, others]
  if (ownFirst === undefined || otherFirst === undefined) return true
  return others.includes(ownFirst) && own.includes(otherFirst)
}

function describeApp(app: SharedApp, sharing: KeeperSharing) {
  const { sharing: recorded, generation } = app.state.ledger.record
  const { row } = app
  const isHere = !app.isElsewhere()
  const home = isHere ? (recorded ? sharing.keeper.id : null) : (row?.home ?? null)
  return {
    app: app.key.app,
    home: home === null ? null : sharing.keeper.nameOf(home),
    here: isHere,
    number: (isHere ? recorded?.number : row?.number) ?? null,
    generation: isHere ? generation : (row?.generation ?? null),
    published: isHere ? (app.isPublished() ?? null) : true,
  }
}
