/**
 * The last question: whether this keeper is still the home, asked of the database when the connection
 * to the authorization server stands, immediately before the first byte leaves.
 */
import type { Words } from '../../core/case-row.ts'
import type { AppRow } from './app-row.ts'
import { elapsedMs } from './confirmation.ts'
import { findHomeFault, homeFaultWords } from './home-standing.ts'
import { BECAME_HOME, DATABASE_UNREACHED } from './home-words.ts'

/**
 * Why the request may not leave; undefined where it may.
 *
 * @param sessionNumber of the session that is spent: another one now means that this one is over.
 */
export async function askLastQuestion(
  row: AppRow,
  kind: 'refresh' | 'redemption',
  sessionNumber: number,
): Promise<Words | undefined> {
  const { keeper } = row
  const { clock, store, policy } = keeper
  const isSignInElsewhere = kind === 'redemption' && findHomeFault(row) === 'elsewhere'
  if (!row.sharing && !isSignInElsewhere) return undefined
  for (;;) {
    const asked = clock.read()
    if (!keeper.isConfirmed()) return homeFaultWords(row) ?? DATABASE_UNREACHED
    const answer = await keeper.within(store.head(row.key))
    if (!answer && isSignInElsewhere) return DATABASE_UNREACHED
    if (answer) row.head = answer.value
    if (!isSignInElsewhere && isSessionOver(row, kind, sessionNumber)) return BECAME_HOME
    // The process may have stood still meanwhile. The request is written in this turn of the event loop.
    const isRecent = elapsedMs(asked, clock.read()) <= policy.questionHoldsMs
    if (isRecent && keeper.isConfirmed()) return undefined
  }
}

/** Whether the session that a request spends is over, or no longer this keeper's. */
function isSessionOver(
  row: AppRow,
  kind: 'refresh' | 'redemption',
  sessionNumber: number,
): boolean {
  const home = row.head?.home ?? row.keeper.id
  if (home !== row.keeper.id || findHomeFault(row) !== undefined) return true
  return kind === 'refresh' && row.state.sessionNumber !== sessionNumber
}
