/** Changes the home of an app at the owner's command: hands it over, takes it over, adopts it, or ends its sharing. */
import { isHigher } from '../../core/sharing/pair.ts'
import type { WholeRow } from '../../core/sharing/shared-store.ts'
import type { AppRecord } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import { runWhenIdle } from '../idle.ts'
import type { AppRow } from './app-row.ts'
import { toNotLeftError, toNotSharedError } from './home-words.ts'
import { sealRecord } from './seal-record.ts'
import { settle } from './settle-row.ts'

/** Why a copy cannot become this keeper's own. */
export type NotTaken = 'unknown-key' | 'broken' | 'no-room'

/** The result of an attempt to become the home with the copy of a keeper that is gone. */
export type TakeOverResult = 'done' | 'changed' | 'older' | 'unreached' | NotTaken

/** Gives the app to the keeper that asks for it: the disk says so first. */
export async function giveTo(appRow: AppRow, to: string): Promise<void> {
  await runWhenIdle(appRow.state, async () => {
    const { sharing } = appRow
    if (sharing?.home !== appRow.keeper.id || !appRow.keeper.isConfirmed()) return
    // The request may be old, and withdrawn by now.
    const head = await appRow.keeper.store.head(appRow.key)
    if (head?.value?.moveTo !== to) return
    appRow.head = head.value
    if (appRow.isAhead(sharing)) return
    const number = appRow.keeper.nextNumber(appRow.head, sharing)
    const { readerKey } = sharing
    const given = { home: to, number, readerKey, handedOver: true } as const
    if ((await appRow.state.ledger.share(given)).kind !== 'stored') return
    appRow.state.reloadFromRecord()
    appRow.note('home_given', 'gave the app to another keeper')
  })
  if (appRow.sharing?.handedOver) await settle(appRow)
}

/**
 * Opens a copy and runs `work` with room for it reserved on the disk: a keeper that becomes the home has to
 * be able to store the session.
 */
export async function withRoom<Result>(
  { keeper, state }: AppRow,
  row: WholeRow,
  work: (record: AppRecord) => Promise<Result>,
): Promise<Result | NotTaken> {
  const opened = await keeper.copies()?.openSession(row)
  if (opened?.kind !== 'opened') return opened?.kind ?? 'unknown-key'
  const { record } = opened.value
  if (row.home !== null && record.sharing?.home !== row.home) return 'broken'
  const reserved = await state.queue.run(() => state.ledger.reserve(record))
  if (reserved.kind !== 'stored') {
    const reason = reserved.kind === 'unwritable' ? reserved.failure.message : reserved.kind
    state.deps.log.warn(
      { app: state.app.name, reason },
      'no room for the session of another keeper',
    )
    return 'no-room'
  }
  try {
    return await work(record)
  } finally {
    await state.queue.run(() => state.ledger.conclude())
  }
}

/** @param silent the keeper that is gone, and its last beat: it must not have written since. */
export function takeOverHome(
  appRow: AppRow,
  row: WholeRow,
  silent: { readonly id: string; readonly since: number } | undefined,
): Promise<TakeOverResult> {
  return withRoom<TakeOverResult>(appRow, row, async (opened) => {
    const { store, identity, id } = appRow.keeper
    const copies = appRow.keeper.copies()
    if (!copies) return 'unknown-key'
    // Only the owner can decide (--force) to give up what this keeper has seen since.
    if (silent && appRow.sharing && isHigher(appRow.pair(appRow.sharing.number), row)) {
      return 'older'
    }
    const number = appRow.keeper.nextNumber(row, appRow.sharing)
    const readerKey = opened.sharing?.readerKey ?? number
    const record = { ...opened, sharing: { home: id, number, readerKey } }
    const place = { ...appRow.key, number, generation: row.generation }
    const access = await copies.openAccess(row)
    // The old home may have spent the token: a refusal of the first attempt is reported as a lost answer.
    const sealed = await sealRecord(
      copies,
      place,
      { record, unanswered: true },
      access.kind === 'opened' ? access.value : undefined,
    )
    const condition = { revision: row.revision, ...(silent && { silent }) }
    const answer = await store.swap({ ...sealed, ...condition }, identity)
    if (!answer) return 'unreached'
    if (answer.value === undefined) return 'changed'
    appRow.head = { ...place, home: id, revision: answer.value, moveTo: null }
    await settle(appRow)
    return 'done'
  })
}

/**
 * Becomes the home of an app that has no row, with this keeper's own record, which may be old.
 *
 * @throws {SidecarError} `invalid_request` for one that was never shared, `unavailable`.
 */
export async function becomeHomeOf(appRow: AppRow): Promise<void> {
  const { sharing, keeper, state } = appRow
  const { app } = appRow.key
  if (!sharing) throw toNotSharedError(app)
  if (sharing.home === keeper.id) return
  if (keeper.isAlive(sharing.home)) {
    const home = keeper.nameOf(sharing.home)
    throw new SidecarError('unavailable', `${home} runs, and publishes it again within a minute.`)
  }
  if (!state.ledger.record.tokens && state.app.type !== 'service') {
    throw new SidecarError('invalid_request', `This keeper has no session of "${app}".`, {
      hint: `Sign in: \`evo-token login ${app}\`.`,
    })
  }
  await runWhenIdle(appRow.state, async () => {
    const { sharing } = appRow
    if (!sharing) return
    const number = appRow.keeper.nextNumber(undefined, sharing)
    // The token may have been spent elsewhere since, and the reader key renewed.
    const shared = { home: appRow.keeper.id, number, readerKey: number }
    if ((await appRow.state.ledger.share(shared, true)).kind !== 'stored') return
    appRow.head = undefined
    appRow.state.reloadFromRecord()
    appRow.note('home_gained', 'this keeper is the home of the app')
  })
  await settle(appRow)
}

/**
 * Ends the sharing of the app; the session on the disk is this keeper's own then.
 *
 * @returns whether the database holds no copy any more that another keeper could take over.
 * @throws {SidecarError} `not_home` where the row is not this keeper's any more, `unavailable`.
 */
export function stopSharingApp(appRow: AppRow): Promise<boolean> {
  const { app } = appRow.key
  return runWhenIdle(appRow.state, async () => {
    const { keeper, sharing, state } = appRow
    if (sharing?.home !== keeper.id) return true
    await appRow.publish()
    const withdrawn = await keeper.store.withdraw(appRow.key, keeper.id)
    // A sign-in that was not swapped in is a session of this keeper alone.
    if (withdrawn?.value === false && sharing.pending === undefined) {
      throw new SidecarError('not_home', `Another keeper may be the home of "${app}".`, {
        hint: 'It is shared as before. `evo-token share status` shows its home; if that is this keeper, it is published within a minute: then run `evo-token share leave` again.',
      })
    }
    const { kind } = await state.ledger.share(undefined)
    appRow.head = undefined
    if (kind !== 'stored') {
      keeper.lookSoon()
      throw toNotLeftError(app)
    }
    return withdrawn !== undefined
  })
}
