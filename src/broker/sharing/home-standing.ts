/** How this keeper stands to one app: whether it is the home and may spend the session, and if not, why. */
import type { Words } from '../../core/case-row.ts'
import type { HomeFault } from '../app-home.ts'
import type { AppRow } from './app-row.ts'
import { unreadableWords, WATCHED_WORDS } from './home-words.ts'

/** Why nothing of the app may be spent here; undefined where it may. */
export function findHomeFault(row: AppRow): HomeFault | undefined {
  const { sharing, keeper } = row
  if (!sharing) return row.verdict() === 'elsewhere' ? 'elsewhere' : undefined
  if (sharing.home !== keeper.id) return 'elsewhere'
  const isSettled = sharing.pending === undefined && !row.isAhead(sharing)
  // An app that was added after this keeper was confirmed was not compared with its row then.
  return isSettled && row.wasRead && keeper.isConfirmed() ? undefined : 'not_confirmed'
}

/** What is said of the fault besides; for the owner. */
export function homeFaultWords(row: AppRow): Words | undefined {
  const { unreadable, sharing, keeper } = row
  if (unreadable) return unreadableWords(row.key, unreadable)
  // What the row holds is stored once the database was watched long enough.
  const waits = sharing && row.isAhead(sharing) && !keeper.isDatabaseKnown()
  return keeper.whyNotConfirmed() ?? (waits ? WATCHED_WORDS : undefined)
}
