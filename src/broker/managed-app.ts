/** Keeps one app: serves its token, renews it when it is due or asked for, and says how it is. */
import type { RenewalCause } from '../core/activity.ts'
import { OWNER_NAME } from '../core/names.ts'
import { isRenewable } from '../core/renewal-due.ts'
import type { Problem } from '../core/problem.ts'
import type { AppStatus, Readiness, ServedToken } from '../core/status.ts'
import { remainingMs, type TokenSet } from '../core/token.ts'
import { SidecarError } from '../errors.ts'
import { AgeWatch } from './age-watch.ts'
import { AppRenewals } from './app-renewals.ts'
import type { AppState } from './app-state.ts'
import { RefreshOnDemand } from './refresh-on-demand.ts'
import { findSpending } from './idle.ts'
import { answerOutstandingError, notRenewableError, refusalOf } from './refusal.ts'
import { problemsNow, readinessOf, toServedToken, statusOf } from './status-of.ts'
import { waitAtMost } from './wait-at-most.ts'

export interface TokenRequest {
  /** The least life that the token should have left. */
  readonly minTtlMs?: number
  /** How long to wait for a renewal where there is nothing good to serve. */
  readonly waitMs: number
  /** The name of the caller. */
  readonly caller?: string
}

export interface ReportedToken {
  /** The access token that an API refused, as lower-case hex SHA-256. */
  readonly rejectedSha256?: string
  /** The name of the caller. */
  readonly caller?: string
}

export interface RefreshRequest extends ReportedToken {
  /** A person asks for it: no back-off and no limit holds it up. */
  readonly now?: boolean
}

/** How long a forced refresh is waited for; the refresh itself goes on. */
export const REFRESH_WAIT_MS = 10_000

export class ManagedApp {
  readonly state: AppState
  readonly #renewals: AppRenewals
  readonly #onDemand: RefreshOnDemand
  readonly #age: AgeWatch

  constructor(state: AppState) {
    this.state = state
    this.#renewals = new AppRenewals(state)
    this.#onDemand = new RefreshOnDemand(state, this.#renewals)
    this.#age = new AgeWatch(state)
  }

  status(): AppStatus {
    return statusOf(this.state)
  }

  /** Those of `status`, in less time. */
  problems(): readonly Problem[] {
    return problemsNow(this.state, this.#now())
  }

  readiness(): Readiness {
    return readinessOf(this.state)
  }

  /** What the heartbeat does for this app, if there is anything to do; resolves when it is done. */
  maintain(now = this.#now()): Promise<void> | undefined {
    if (this.#renewals.closed) return undefined
    this.#age.look(now)
    const { unstored, newer } = this.state.ledger
    if (unstored ?? newer) return this.#retryRecord()
    return this.#renewals.isDue(now) ? this.#renewals.startIfDue() : undefined
  }

  async #retryRecord(): Promise<void> {
    await this.state.queue.run(() => this.state.retryRecord())
    if (this.#renewals.isDue()) await this.#renewals.startIfDue()
  }

  /** Begins nothing new. */
  close(): void {
    this.#renewals.closed = true
  }

  /** Takes a `close` back. */
  reopen(): void {
    this.#renewals.closed = false
  }

  /** Resolves when no renewal is under way, every request that is out has its answer, and that is stored. */
  async drain(): Promise<void> {
    for (;;) {
      await this.state.queue.drain()
      const underWay = [...this.state.outstanding].map(({ done }) => done)
      if (!this.#renewals.current && underWay.length === 0) return
      await Promise.allSettled([this.#renewals.current, ...underWay])
    }
  }

  /**
   * The current token.
   *
   * @throws {SidecarError} `login_required`, `misconfigured`, `unavailable`, `record_newer` or `stopping`.
   */
  token(ask: TokenRequest): ServedToken | Promise<ServedToken> {
    const { tokens } = this.state.session
    const now = this.#now()
    const leftMs = tokens ? remainingMs(tokens, now) : 0
    if (!tokens || leftMs <= 0) return this.#waitAndServe(ask)
    if (leftMs < (ask.minTtlMs ?? 0) && this.#onDemand.isPossible()) {
      const cause: RenewalCause = { cause: 'caller', caller: ask.caller }
      return this.#refreshOnDemand(tokens, undefined, ask.waitMs, cause)
    }
    if (this.#renewals.isDue(now)) this.#renewals.startIfDueInBackground()
    return toServedToken(tokens, now)
  }

  /**
   * A new token, or the current one where another one was refused.
   *
   * @throws {SidecarError} as `token`; `record_newer` also while the current one is good.
   */
  async refresh({ rejectedSha256, caller }: ReportedToken = {}): Promise<ServedToken> {
    const { tokens } = this.state.session
    const ask = { waitMs: REFRESH_WAIT_MS, ...(caller !== undefined && { caller }) }
    if (!tokens) return this.#waitAndServe(ask)
    const rejected = rejectedSha256 === undefined ? undefined : tokens.accessToken
    if (rejected && rejected.sha256 !== rejectedSha256) return this.token(ask)
    this.#refuseIfNewer()
    if (rejected) this.state.noteRejected(rejected)
    if (!this.#onDemand.isPossible()) return this.token(ask)
    const served = await this.#refreshOnDemand(tokens, rejected?.fingerprint, ask.waitMs, {
      cause: rejected ? 'report' : 'caller',
      caller,
    })
    if (this.state.session.tokens === tokens) this.#refuseIfNewer()
    return served
  }

  /**
   * A new token now, whatever back-off or limit holds: a person asks for it.
   *
   * @throws {SidecarError} as `token`; `unavailable` where the server has not answered yet.
   */
  async refreshNow(): Promise<ServedToken> {
    if (this.#renewals.closed) throw new SidecarError('stopping', 'The daemon is stopping.')
    this.#refuseIfNewer()
    const { app, session } = this.state
    if (!isRenewable(app, session)) throw notRenewableError(this.state)
    this.state.endWaiting()
    const before = this.state.session.tokens
    await this.#waitFor(
      this.#renewals.start(() => this.state.session.tokens === before, {
        cause: 'owner',
        caller: OWNER_NAME,
      }),
      REFRESH_WAIT_MS,
    )
    const spending = findSpending(this.state)
    if (spending && this.state.session.tokens === before) {
      throw answerOutstandingError(app.name, spending.since)
    }
    return this.#serveOrRefuse()
  }

  async #refreshOnDemand(
    before: TokenSet,
    rejected: string | undefined,
    waitMs: number,
    cause: RenewalCause,
  ): Promise<ServedToken> {
    await this.#waitFor(this.#onDemand.run(before, rejected, cause), waitMs)
    return this.#serveOrRefuse()
  }

  async #waitAndServe({ waitMs }: TokenRequest): Promise<ServedToken> {
    if (this.#renewals.closed) throw new SidecarError('stopping', 'The daemon is stopping.')
    if (!this.#renewals.current && !this.#renewals.isDue()) throw this.#refusal()
    await this.#waitFor(this.#renewals.startIfDue(), waitMs)
    return this.#serveOrRefuse()
  }

  /** Waits, and counts as a caller that does: apps with waiting callers come first at their issuer. */
  async #waitFor(renewing: Promise<void>, waitMs: number): Promise<void> {
    this.state.callersWaiting += 1
    try {
      await waitAtMost(this.state.deps.sleep, waitMs, renewing)
    } finally {
      this.state.callersWaiting -= 1
    }
  }

  #serveOrRefuse(): ServedToken {
    const { tokens } = this.state.session
    const now = this.#now()
    if (!tokens || remainingMs(tokens, now) <= 0) throw this.#refusal()
    return toServedToken(tokens, now)
  }

  #refusal(): SidecarError {
    return refusalOf(this.state, this.#renewals.current !== undefined)
  }

  #refuseIfNewer(): void {
    if (this.state.ledger.newer) throw this.#refusal()
  }

  #now() {
    return this.state.deps.clock.read()
  }
}
