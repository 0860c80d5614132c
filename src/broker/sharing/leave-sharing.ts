/** Ends the sharing of every app: what this daemon is the home of is its own from then on. */
import type { AppState } from '../app-state.ts'
import type { KeeperSharing } from './keeper-sharing.ts'

export interface LeftSharing {
  /** The apps whose sessions are this daemon's own now. */
  readonly apps: readonly string[]
  /** Those of `apps` that the database, which gave no answer, may still have a copy of. */
  readonly copiesLeft: readonly string[]
}

/**
 * @throws {SidecarError} `not_home` where another keeper may be the home of one, `unavailable` where a
 * request of one is out or the disk refuses: then all is shared as before.
 */
export async function leaveSharing(
  states: readonly AppState[],
  sharing: KeeperSharing | undefined,
): Promise<LeftSharing> {
  sharing?.leave()
  const shared = states.filter(({ ledger }) => ledger.record.sharing)
  const apps: string[] = []
  const copiesLeft: string[] = []
  for (const state of shared) {
    const withdrawn = await state.home.leave().catch((error: unknown) => {
      sharing?.goOn()
      throw error
    })
    if (state.ledger.record.sharing) continue
    apps.push(state.app.name)
    if (!withdrawn) copiesLeft.push(state.app.name)
  }
  return { apps, copiesLeft }
}
