/** Reports what changes with time alone, without an event of the app. */
import type { Freshness, Instant, Reading } from '../core/token.ts'
import type { AppState } from './app-state.ts'
import { foreseeEnd } from './status-of.ts'

/** An app's age at a heartbeat. */
interface Age {
  readonly freshness: Freshness
  readonly endsSoon: boolean
  readonly newerAt: Instant | undefined
}

export class AgeWatch {
  readonly #state: AppState
  #last: Age | undefined

  constructor(state: AppState) {
    this.#state = state
  }

  /** A token ages, a session nears its end, and a newer version may have written the record. Called at each heartbeat. */
  look(now: Reading): void {
    const { app, deps, ledger } = this.#state
    const { newer } = ledger
    const freshness = this.#state.freshness(now)
    const endsSoon = foreseeEnd(this.#state, now).sessionExpiresSoon
    const last = this.#last
    if (freshness === last?.freshness && endsSoon === last.endsSoon && newer?.at === last.newerAt) {
      return
    }
    this.#last = { freshness, endsSoon, newerAt: newer?.at }
    if (newer) deps.log.error({ app: app.name, error: newer.code }, newer.message)
    deps.onChange(app.name)
  }
}
