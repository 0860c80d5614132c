/** The renewals of one app: when one is due, and one at a time. */
import type { Cause, RenewalCause } from '../core/activity.ts'
import { isRenewable, isRenewalDue } from '../core/renewal-due.ts'
import type { AppState } from './app-state.ts'
import { renew } from './renewal.ts'

export class AppRenewals {
  readonly #state: AppState
  #current: Promise<void> | undefined
  /** Set when the app left the config, or the daemon stops: nothing new is begun. */
  closed = false

  constructor(state: AppState) {
    this.#state = state
  }

  /** The renewal that is under way. */
  get current(): Promise<void> | undefined {
    return this.#current
  }

  isDue(now = this.#now()): boolean {
    const { app, session, ledger } = this.#state
    if (this.closed || ledger.newer || this.#state.home.fault()) return false
    return (
      isRenewalDue(app, session, now) ||
      (session.status === 'active' && this.#state.isReissueDue(now)) ||
      // The lost answer of a process before this one: while the server's grace may last.
      (session.status === 'active' && ledger.unanswered && isRenewable(app, session))
    )
  }

  startIfDue(): Promise<void> {
    return this.start(() => this.isDue(), { cause: this.#dueCause() })
  }

  /** Fire-and-forget: failures are logged here. */
  startIfDueInBackground(): void {
    this.startIfDue().catch((error: unknown) => {
      this.#state.deps.log.error({ app: this.#state.app.name, err: error }, 'renewal failed')
    })
  }

  /** Joins the renewal in flight, or begins one that asks again, when its turn comes, whether it is wanted. */
  start(wanted: () => boolean, cause: RenewalCause): Promise<void> {
    if (!this.#current) {
      this.#state.renewalCause = cause
      this.#current = this.#renewIfWanted(wanted).finally(() => {
        this.#current = this.#state.renewalCause = undefined
      })
    }
    return this.#current
  }

  async #renewIfWanted(wanted: () => boolean): Promise<void> {
    const isOpen = () => !this.closed && !this.#state.home.fault()
    const isWanted = () => isOpen() && wanted()
    // What changes the app now may make it needless, or change what it is made with.
    await this.#waitForRedemptions()
    await this.#state.queue.drain()
    if (isWanted()) await renew(this.#state, { isWanted, isOpen })
  }

  /** Resolves when no sign-in is being completed: it may bring another session. */
  async #waitForRedemptions(): Promise<void> {
    for (const { kind, done } of this.#state.outstanding) if (kind === 'redemption') await done
  }

  #dueCause(): Cause {
    const { app, session } = this.#state
    const now = this.#now()
    if (session.status !== 'active') return 'retry'
    if (isRenewalDue(app, session, now)) return 'age'
    return this.#state.isReissueDue(now) ? 'cron' : 'lost_answer'
  }

  #now() {
    return this.#state.deps.clock.read()
  }
}
