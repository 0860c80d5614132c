/**
 * Keeps one app: serves its token, decides when to renew it, and runs everything that changes the
 * app one after another. At most one renewal is in flight, whoever asks for it.
 */
import { brought, type Demand, demanded, mayDemand, NO_DEMAND } from '../core/demand.ts'
import { renewable, renewalDue } from '../core/session.ts'
import type { AppStatus, Readiness, ServedToken } from '../core/status.ts'
import { remainingMs, type TokenSet } from '../core/token.ts'
import { SidecarError } from '../errors.ts'
import type { AppState } from './app-state.ts'
import { Queue } from './queue.ts'
import { refusalOf } from './refusal.ts'
import { renew } from './renewal.ts'
import { within } from './within.ts'
import { readinessOf, servedToken, statusOf } from './telling.ts'

export interface TokenAsk {
  /** How much life the token should have left at least. */
  readonly minTtlMs?: number
  /** How long to wait for a renewal where there is nothing good to serve. */
  readonly waitMs: number
}

/** How long a forced refresh is waited for; the refresh itself goes on. */
const REFRESH_WAIT_MS = 10_000

export class Keeper {
  readonly state: AppState
  readonly #queue = new Queue()
  #renewing: Promise<void> | undefined
  #demand: Demand = NO_DEMAND
  #toldAge: string | undefined
  /** Set when the app left the config, or the daemon stops: nothing new is begun. */
  #closed = false

  constructor(state: AppState) {
    this.state = state
  }

  status(): AppStatus {
    return statusOf(this.state)
  }

  readiness(): Readiness {
    return readinessOf(this.state)
  }

  /** Runs `work` when everything that was asked for before it is done. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(work)
  }

  /** What the heartbeat does for this app; resolves when it is done. */
  async maintain(): Promise<void> {
    if (this.#closed) return
    this.#tellAge()
    if (this.state.ledger.unstored) await this.enqueue(() => this.#settle())
    if (this.#due()) await this.#renew(() => this.#due())
  }

  /** Begins nothing new; resolves when what is under way has finished. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#queue.settled()
  }

  /**
   * The current token.
   *
   * @throws {SidecarError} `login_required`, `misconfigured`, `unavailable` or `stopping`.
   */
  token(ask: TokenAsk): ServedToken | Promise<ServedToken> {
    const { tokens } = this.state.session
    const now = this.#now()
    const leftMs = tokens ? remainingMs(tokens, now) : 0
    if (!tokens || leftMs <= 0) return this.#awaited(ask)
    if (leftMs < (ask.minTtlMs ?? 0) && (this.#renewing ?? this.#mayDemand())) {
      return this.#demanded(tokens, undefined, ask.waitMs)
    }
    if (this.#due(now)) this.#renewInBackground()
    return servedToken(tokens, now)
  }

  /**
   * A new token, unless the one that was refused is not the current one any more.
   *
   * @throws {SidecarError} as `token`.
   */
  refresh(rejectedSha256?: string): ServedToken | Promise<ServedToken> {
    const { tokens } = this.state.session
    const ask = { waitMs: REFRESH_WAIT_MS }
    if (!tokens) return this.#awaited(ask)
    const rejected = rejectedSha256 === undefined ? undefined : tokens.accessToken
    if (rejected && rejected.sha256 !== rejectedSha256) return this.token(ask)
    if (rejected) this.state.noteRejected(rejected)
    if (!this.#renewing && !this.#mayDemand()) return this.token(ask)
    return this.#demanded(tokens, rejected?.fingerprint, ask.waitMs)
  }

  async #demanded(
    before: TokenSet,
    rejected: string | undefined,
    waitMs: number,
  ): Promise<ServedToken> {
    if (!this.#renewing) {
      const { mono } = this.#now()
      this.#demand = demanded(this.#demand, mono, rejected, this.state.app.refresh.retryMaxMs)
    }
    const renewing = this.#renew(() => this.state.session.tokens === before).then(() => {
      const after = this.state.session.tokens
      if (after !== before) this.#demand = brought(this.#demand, after?.accessToken.fingerprint)
    })
    await within(this.state.deps.sleep, waitMs, renewing)
    return this.#serveOrRefuse()
  }

  async #awaited({ waitMs }: TokenAsk): Promise<ServedToken> {
    if (this.#closed) throw new SidecarError('stopping', 'The daemon is stopping.')
    if (!this.#renewing && !this.#due()) throw this.#refusal()
    const renewing = this.#renew(() => this.#due())
    await within(this.state.deps.sleep, waitMs, renewing)
    return this.#serveOrRefuse()
  }

  #serveOrRefuse(): ServedToken {
    const { tokens } = this.state.session
    const now = this.#now()
    if (!tokens || remainingMs(tokens, now) <= 0) throw this.#refusal()
    return servedToken(tokens, now)
  }

  #refusal(): SidecarError {
    return refusalOf(this.state, this.#renewing !== undefined)
  }

  #mayDemand(): boolean {
    const { app, session } = this.state
    return (
      !this.#closed &&
      session.status === 'active' &&
      renewable(app, session) &&
      mayDemand(this.#demand, this.#now().mono)
    )
  }

  #due(now = this.#now()): boolean {
    const { app, session, ledger } = this.state
    if (this.#closed) return false
    return (
      renewalDue(app, session, now) ||
      (session.status === 'active' && this.state.reissueDue(now)) ||
      // The lost answer of a process before this one: while the server's grace may last.
      (session.status === 'active' && ledger.unanswered && renewable(app, session))
    )
  }

  /** A token ages, and a session nears its end, without anybody doing anything: that is a change, too. */
  #tellAge(): void {
    const { freshness, sessionExpiresSoon } = this.status()
    const age = `${freshness} ${String(sessionExpiresSoon)}`
    if (age === this.#toldAge) return
    this.#toldAge = age
    this.state.deps.onChange(this.state.app.name)
  }

  /** Joins the renewal in flight, or queues one that asks again, when its turn comes, whether it is wanted. */
  #renew(wanted: () => boolean): Promise<void> {
    this.#renewing ??= this.enqueue(async () => {
      if (!this.#closed && wanted()) await renew(this.state, () => this.#closed)
    }).finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  /** A rim: nobody waits for this renewal, so what goes wrong in it is told here. */
  #renewInBackground(): void {
    this.#renew(() => this.#due()).catch((error: unknown) => {
      this.state.deps.log.error({ app: this.state.app.name, err: error }, 'renewal failed')
    })
  }

  async #settle(): Promise<void> {
    const result = await this.state.ledger.settle()
    if (result.kind === 'changed') this.state.readopt()
    if (result.kind === 'stored') {
      this.state.deps.log.info({ app: this.state.app.name }, 'stored what the disk had refused')
      this.state.deps.onChange(this.state.app.name)
    }
  }

  #now() {
    return this.state.deps.clock.read()
  }
}
