/**
 * What has to be done where an app's row and the record on this keeper's disk are not the same.
 * `core/sharing/verdict.ts` decides; each step may be repeated after a crash.
 */
import type { AppRecord } from '../../core/vault.ts'
import { type AppRow, NO_HOME } from './app-row.ts'
import { swapIn } from './sign-in-elsewhere.ts'

/** Does what the verdict says, in the app's queue: what it says there, since both may have changed. */
export function settle(appRow: AppRow): Promise<void> {
  return appRow.state.queue.run(async () => {
    // A look that was under way when a person left would share it again.
    if (appRow.keeper.hasLeft()) return
    switch (appRow.verdict()) {
      case 'introduce':
        await introduce(appRow)
        return
      case 'publish':
        await appRow.publish()
        return
      case 'outbid':
        await outbid(appRow)
        return
      case 'take-in':
        await takeIn(appRow)
        return
      case 'stand-down':
        await standDown(appRow)
        return
      case 'hand-over':
        await handOver(appRow)
        return
      case 'vacate':
        if (appRow.head) await appRow.keeper.store.vacate(appRow.key, appRow.head.revision)
        return
      case 'swap':
      case 'settle':
      case 'give-way':
        await swapIn(appRow)
        return
      case 'in-step':
      case 'elsewhere':
      case 'apart':
    }
  })
}

/** From now on there are copies of the session: the disk says so before the database does. */
async function introduce(appRow: AppRow): Promise<void> {
  if (!appRow.keeper.isConfirmed()) return
  const { store, id } = appRow.keeper
  // One that this keeper left behind, when it left the others, is published over.
  const isOwn = appRow.head?.home === id
  const number = appRow.keeper.nextNumber(appRow.head, undefined)
  const sharing = { home: id, number, readerKey: 1 }
  if ((await appRow.state.ledger.share(sharing)).kind !== 'stored') return
  const sealed = await appRow.seal(sharing)
  const answer = sealed && (await store[isOwn ? 'publish' : 'introduce'](sealed, id))
  if (!answer) return
  if (answer.value === undefined) await appRow.state.ledger.share(undefined)
  else appRow.wrote(answer.value, sealed)
}

/** What the row has is newer than the disk, and this keeper is the home: the disk has it first. */
async function takeIn(appRow: AppRow): Promise<void> {
  // A database that lost its last commits may name a keeper that was replaced: its successor is to say so first.
  if (!appRow.keeper.homesMayChange() || !appRow.keeper.isDatabaseKnown()) return
  const opened = await appRow.openAhead()
  if (opened?.row.home !== appRow.keeper.id) return
  const { record, unanswered, row } = opened
  const { number, generation } = row
  const readerKey = record.sharing?.readerKey ?? 1
  const sharing = { home: appRow.keeper.id, number, readerKey }
  const { identity } = appRow.state.ledger.record
  const taken: AppRecord = { ...record, identity, generation, sharing }
  if ((await appRow.state.ledger.takeIn(taken, unanswered)).kind !== 'stored') return
  appRow.head = row
  appRow.state.reloadFromRecord()
  appRow.note('home_gained', 'this keeper is the home of the app')
}

/** The row would not be published over under the same number. */
async function outbid(appRow: AppRow): Promise<void> {
  const { sharing } = appRow
  if (!sharing || !appRow.keeper.isConfirmed()) return
  const number = appRow.keeper.nextNumber(appRow.head, sharing)
  await appRow.state.ledger.share({ ...sharing, number })
}

/** Believes only what a keeper has sealed: who can write rows, and has no key, ends no session. */
async function standDown(appRow: AppRow): Promise<void> {
  const { sharing } = appRow
  const row = (await appRow.openAhead())?.row
  if (!row || !sharing || row.home === appRow.keeper.id) return
  const { readerKey } = sharing
  const left = { home: row.home ?? NO_HOME, number: row.number, readerKey }
  if ((await appRow.state.ledger.share(left)).kind !== 'stored') return
  appRow.state.reloadFromRecord()
  appRow.note('home_lost', 'another keeper became the home of the app')
}

/** Hands the newest record over until the row shows it. */
async function handOver(appRow: AppRow): Promise<void> {
  const { sharing } = appRow
  if (!sharing || !appRow.keeper.mayPublish() || !appRow.keeper.homesMayChange()) return
  const sealed = await appRow.seal(sharing)
  const answer = sealed && (await appRow.keeper.store.handOver(sealed, sharing.home))
  if (!sealed || answer?.value === undefined) return
  const { app, identityDigest, number, generation } = sealed
  const place = { app, identityDigest, number, generation }
  appRow.head = { ...place, home: sharing.home, revision: answer.value, moveTo: null }
  appRow.keeper.announce()
  appRow.keeper.lookSoon()
}
