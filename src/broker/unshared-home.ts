/** The home of an app in a daemon that shares nothing. The app may have been shared before. */
import type { Failure } from '../core/ports.ts'
import { SidecarError } from '../errors.ts'
import type { AppHome } from './app-home.ts'
import type { AppState } from './app-state.ts'
import { runWhenIdle } from './idle.ts'
import { toNotLeftError } from './sharing/home-words.ts'

/** @param keeperId the id of this daemon among keepers, if it was ever one. */
export function createUnsharedHome(state: AppState, keeperId?: string): AppHome {
  const fault = () => (state.ledger.record.sharing ? 'still_shared' : undefined)
  const failure = (): Failure | undefined => {
    if (!fault()) return undefined
    const { name } = state.app
    return { code: 'unavailable', message: `"${name}" was shared with other hosts.` }
  }
  return {
    fault,
    homeName: () => undefined,
    words: () => undefined,
    // A new sign-in spends nothing of what was shared.
    question: async (kind) => (kind === 'redemption' ? undefined : failure()),
    async refuseChange() {
      const refused = failure()
      return refused && new SidecarError('unavailable', refused.message, { hint: HOW_TO_GO_ON })
    },
    refuseSignIn: async () => undefined,
    subject: () => state.ledger.record.tokens?.subject,
    sharingOfSignIn: () => undefined,
    async settleSignIn() {
      // No other host has the new session.
      if (fault()) await state.ledger.share(undefined)
      return undefined
    },
    leave: () =>
      runWhenIdle(state, async () => {
        const { sharing } = state.ledger.record
        const isHere = sharing?.home === keeperId && sharing?.pending === undefined
        if (isHere && (await state.ledger.share(undefined)).kind !== 'stored') {
          throw toNotLeftError(state.app.name)
        }
        // The config names no database that could be asked.
        return !isHere
      }),
    publish: async () => undefined,
  }
}

const HOW_TO_GO_ON =
  'Put "share" back into the config and restart the daemon; or, where this daemon is its home, `evo-token share leave`.'
