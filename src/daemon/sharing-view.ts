/** What `evo-token share status` shows. */
import type { Database } from '../adapters/share/database.ts'
import type { KeeperSharing } from '../broker/sharing/keeper-sharing.ts'
import type { SharedApp } from '../broker/sharing/shared-app.ts'
import type { ShareSettings } from '../config/share-settings.ts'
import type { Clock } from '../core/ports.ts'
import type { KeeperRow } from '../core/sharing/shared-store.ts'

/** A keeper that is home of nothing is not shown for longer. */
const FORGOTTEN_MS = 30 * 86_400_000

interface Shown {
  readonly settings: ShareSettings
  readonly name: string
  readonly database: Database
  readonly clock: Clock
  /** Absent for a reader. */
  readonly sharing?: KeeperSharing
}

export function describeSharing({ settings, name, database, sharing }: Shown): object {
  const { fault, latencyMs, primaries } = database
  return {
    shared: true,
    role: settings.role,
    name,
    database: {
      hosts: settings.hosts,
      primaries,
      latency_ms: latencyMs === undefined ? null : Math.round(latencyMs),
      error: fault?.message ?? null,
    },
    ...(sharing && describeKeeper(sharing)),
  }
}

function describeKeeper(sharing: KeeperSharing) {
  const known = sharing.keeper.databaseClock()
  const own = sharing.keeper.keepers.find(({ id }) => id === sharing.keeper.id)
  const [newest] = sharing.keeper.copies()?.kids() ?? []
  const homes = new Set(sharing.all().map(({ row }) => row?.home))
  const isForgotten = ({ id, beatAt }: KeeperRow) =>
    known !== undefined && known.now - beatAt > FORGOTTEN_MS && !homes.has(id)
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
        alive: known !== undefined && known.now - keeper.beatAt < sharing.keeper.policy.silentMs,
        same_apps: own === undefined || keeper.configDigest === own.configDigest,
        same_key: newest === undefined || keeper.kids.includes(newest),
      })),
    apps: sharing.all().map((app) => describeApp(app, sharing)),
  }
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
