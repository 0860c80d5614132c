/**
 * The shared store in PostgreSQL. Each method is one unnamed statement outside of a transaction, so that
 * a pooler in transaction mode can be used; each may run twice.
 */
import type { SharedStore } from '../../core/sharing/shared-store.ts'
import type { Announcements } from './announcements.ts'
import { AppReads } from './app-reads.ts'
import { AppWrites } from './app-writes.ts'
import type { Database } from './database.ts'
import { KeeperRows } from './keeper-rows.ts'
import { WantedRows } from './wanted-rows.ts'

export function createPostgresStore(
  database: Database,
  announcements: Announcements,
  role: 'keeper' | 'reader',
): SharedStore {
  const reads = new AppReads(database, role)
  const writes = new AppWrites(database)
  const keepers = new KeeperRows(database)
  const wanted = new WantedRows(database)
  return {
    fault: () => database.fault,
    latencyMs: () => database.latencyMs,
    hasTwoPrimaries: () => database.primaries.length > 1,
    async close() {
      await announcements.close()
      await database.close()
    },
    claim: (keeper) => keepers.claim(keeper),
    beat: (keeper) => keepers.beat(keeper),
    leave: (keeper) => keepers.leave(keeper),
    keepers: () => keepers.keepers(),
    heads: () => reads.heads(),
    changed: (since) => reads.changed(since),
    copies: (keys) => reads.copies(keys),
    head: (key) => reads.head(key),
    open: (key) => reads.open(key),
    publish: (row, me) => writes.publish(row, me),
    introduce: (row, me) => writes.introduce(row, me),
    swap: (swap, me) => writes.swap(swap, me),
    handOver: (row, to) => writes.handOver(row, to),
    vacate: (key, revision) => writes.vacate(key, revision),
    withdraw: (key, me) => writes.withdraw(key, me),
    askToMove: (key, revision, to) => writes.askToMove(key, revision, to),
    endMove: (key, to) => writes.endMove(key, to),
    askToRenew: (request) => wanted.askToRenew(request),
    renewalRequests: () => wanted.renewalRequests(),
    deleteRenewalRequest: (request) => wanted.deleteRenewalRequest(request),
    announce: () => {
      announcements.announce()
    },
    onAnnounced: (listener) => {
      announcements.listen(listener)
    },
  }
}
