/** The home of an app that no other host shares. */
import type { AppHome } from './app-home.ts'
import type { AppState } from './app-state.ts'
import { runWhenIdle } from './idle.ts'

export function createLonelyHome(state: AppState): AppHome {
  const fault = () => (state.ledger.record.sharing ? 'still_shared' : undefined)
  const failure = () => {
    if (!fault()) return undefined
    const { name } = state.app
    return { code: 'unavailable', message: `"${name}" was shared with other hosts.` }
  }
  return {
    fault,
    homeName: () => undefined,
    words: () => undefined,
    question: async () => failure(),
    refuseChange: async () => undefined,
    refuseSignIn: async () => undefined,
    sharingOfSignIn: () => undefined,
    async settleSignIn() {
      // A new session is nobody else's.
      if (fault()) await state.ledger.share(undefined)
      return undefined
    },
    leave: () =>
      runWhenIdle(state, async () => {
        await state.ledger.share(undefined)
      }),
    publish: async () => undefined,
  }
}
