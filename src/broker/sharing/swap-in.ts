/** A sign-in at a keeper that was not the home becomes the session of all, or gives way. */
import { type AppRow, NO_HOME } from './app-row.ts'

/** Makes a sign-in here the session of all, or gives way to what came in between. Runs in the app's queue. */
export async function swapIn(appRow: AppRow): Promise<void> {
  const { sharing } = appRow
  if (sharing?.pending === undefined || appRow.keeper.refuseChangeOfHome()) return
  const { pending, ...settled } = sharing
  const { store, identity } = appRow.keeper
  const sealed = await appRow.seal(settled)
  const answer = sealed && (await store.swap({ ...sealed, revision: pending }, identity))
  if (!answer) return
  if (answer.value === undefined) {
    const now = await store.head(appRow.key)
    if (!now) return
    appRow.head = now.value
    if (appRow.verdict() === 'give-way') {
      const { home, number } = appRow.head ?? { home: null, number: settled.number }
      if (home === appRow.keeper.id) {
        // It was given to this keeper meanwhile, where a person has just signed in.
        const next = appRow.keeper.nextNumber(appRow.head, settled)
        await appRow.state.ledger.share({ ...settled, number: next })
        return
      }
      await appRow.state.ledger.write({ sharing: { ...settled, home: home ?? NO_HOME, number } })
      appRow.state.reloadFromRecord()
      appRow.note('home_lost', 'a sign-in here came too late: the app was changed elsewhere')
      return
    }
    // Refused for another reason: it is tried again.
    if (appRow.verdict() !== 'settle') return
  } else appRow.wrote(answer.value, sealed)
  await appRow.state.ledger.share(settled)
  appRow.state.deps.onChange(appRow.key.app)
}
