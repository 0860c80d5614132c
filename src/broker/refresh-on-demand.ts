/** Renewals that callers ask for while the token lives: as many as the limit allows. */
import type { RenewalCause } from '../core/activity.ts'
import {
  allowsRefresh,
  INITIAL_LIMIT,
  recordObtained,
  recordRefresh,
  type RefreshLimit,
} from '../core/refresh-limit.ts'
import { isRenewable } from '../core/renewal-due.ts'
import type { TokenSet } from '../core/token.ts'
import type { AppRenewals } from './app-renewals.ts'
import type { AppState } from './app-state.ts'

export class RefreshOnDemand {
  readonly #state: AppState
  readonly #renewals: AppRenewals
  #limit: RefreshLimit = INITIAL_LIMIT

  constructor(state: AppState, renewals: AppRenewals) {
    this.#state = state
    this.#renewals = renewals
  }

  /** Whether a renewal is under way that a caller may join, or one may begin. */
  isPossible(): boolean {
    return this.#renewals.current !== undefined || this.#mayBegin()
  }

  /**
   * Joins the renewal under way, or begins one; resolves when it has ended.
   *
   * @param before the tokens that the caller does not want.
   * @param rejected the fingerprint of an access token that an API refused.
   */
  async run(before: TokenSet, rejected: string | undefined, cause: RenewalCause): Promise<void> {
    const state = this.#state
    if (!this.#renewals.current) {
      const { mono } = state.deps.clock.read()
      this.#limit = recordRefresh(this.#limit, mono, rejected, state.app.refresh.retryMaxMs)
    }
    await this.#renewals.start(() => state.session.tokens === before, cause)
    const after = state.session.tokens
    if (after !== before) this.#limit = recordObtained(this.#limit, after?.accessToken.fingerprint)
  }

  #mayBegin(): boolean {
    const { app, session, ledger, deps } = this.#state
    return (
      !this.#renewals.closed &&
      !ledger.newer &&
      session.status === 'active' &&
      isRenewable(app, session) &&
      allowsRefresh(this.#limit, deps.clock.read().mono)
    )
  }
}
