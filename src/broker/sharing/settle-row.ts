/**
 * What has to be done where an app's row and the record on this keeper's disk are not the same.
 * `core/sharing/verdict.ts` decides; each step may be repeated after a crash.
 */
import type { AppRecord } from '../../core/vault.ts'
import { type AppRow, NO_HOME } from './app-row.ts'
import { swapIn } from './sign-in-elsewhere.ts'

/** Does what the verdict says. It is asked in the app's queue, since row and record may have changed. */
export function settle(appRow: AppRow): Promise<void> {
  return appRow.state.queue.run(async () => {
    // A look that was under way when the owner ended the sharing would share the app again.
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

/** Publishes the session for the first time: the disk says so before the database does. */
async function introduce(appRow: AppRow): Promise<void> {
  if (!appRow.keeper.isConfirmed()) return
  const { store, id } = appRow.keeper
  // A row that this keeper left behind when it stopped sharing is overwritten.
  const isOwn = appRow.head?.home === id
  const number = appRow.keeper.nextNumber(appRow.head, undefined)
  // No earlier reader key opens what is shared from now on: it may have been renewed because it was stolen.
  const sharing = { home: id, number, readerKey: number }
  await appRow.make(async () => {
    if ((await appRow.state.ledger.share(sharing)).kind !== 'stored') return
    const sealed = await appRow.seal(sharing)
    const answer = sealed && (await store[isOwn ? 'publish' : 'introduce'](sealed, id))
    if (!answer) return
    if (answer.value === undefined) await appRow.state.ledger.share(undefined)
    else appRow.wrote(answer.value, sealed)
  })
}

/** The row is newer than the disk, and this keeper is the home: stores what the row has. */
async function takeIn(appRow: AppRow): Promise<void> {
  // A database that lost its last commits may name a keeper that was replaced: its successor has to publish first.
  if (!appRow.keeper.homesMayChange() || !appRow.keeper.isDatabaseKnown()) return
  const opened = await appRow.openAhead()
  if (opened?.row.home !== appRow.keeper.id) return
  const { record, unanswered, row } = opened
  // The disk had lost what it published, and a person has signed in since.
  if (isSignedInLater(appRow.state.ledger.record, record)) return introduce(appRow)
  const { number, generation } = row
  const readerKey = record.sharing?.readerKey ?? number
  const sharing = { home: appRow.keeper.id, number, readerKey }
  const { identity } = appRow.state.ledger.record
  const taken: AppRecord = { ...record, identity, generation, sharing }
  if ((await appRow.state.ledger.takeIn(taken, unanswered)).kind !== 'stored') return
  appRow.head = row
  appRow.state.reloadFromRecord()
  appRow.note('home_gained', 'this keeper is the home of the app')
}

/** Whether the own session, which is not shared, is of a later sign-in than the shared one. */
function isSignedInLater(own: AppRecord, shared: AppRecord): boolean {
  if (own.sharing || !own.tokens) return false
  return (own.signedInAt ?? 0) > (shared.signedInAt ?? 0)
}

/** Takes a higher number: under the same one the row would not be overwritten. */
async function outbid(appRow: AppRow): Promise<void> {
  const { sharing } = appRow
  if (!sharing || !appRow.keeper.isConfirmed()) return
  const number = appRow.keeper.nextNumber(appRow.head, sharing)
  await appRow.state.ledger.share({ ...sharing, number })
}

/** Believes only what a keeper has sealed: without a key a writer of rows cannot end a session. */
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
