/**
 * All that we know about one app now: its registration, its session and its record. Changes run in
 * the app's queue; reading needs no queue.
 */
import type { RenewalCause } from '../core/activity.ts'
import { type App, identityOf } from '../core/app.ts'
import type { Failure } from '../core/ports.ts'
import type { Registration } from '../core/registration.ts'
import { countRenewal, NO_RENEWALS, type RenewalCounts } from '../core/renewal-counts.ts'
import { nextSession, type Session, type SessionEvent } from '../core/session.ts'
import {
  expiresAt,
  type Freshness,
  freshness,
  type Instant,
  type Reading,
  type Sealed,
} from '../core/token.ts'
import type { LoadedRecord, VaultRecords } from '../core/vault.ts'
import { Queue } from '../queue.ts'
import type { AppHome } from './app-home.ts'
import type { BrokerDeps } from './broker-deps.ts'
import { Ledger } from './ledger.ts'
import { OutstandingRequests } from './outstanding-requests.ts'
import { recordActivity } from './record-activity.ts'
import { assumeLifetime, restoreSession } from './restored-session.ts'
import { SignInOrder } from './sign-in-order.ts'

export class AppState {
  readonly deps: BrokerDeps
  readonly ledger: Ledger
  /** Everything that changes the app, one after another. No request that spends something is awaited in it. */
  readonly queue = new Queue()
  readonly outstanding: OutstandingRequests
  /** Whether the session may be spent here. */
  readonly home: AppHome
  readonly signInOrder = new SignInOrder()
  /** How many callers wait for a renewal. */
  callersWaiting = 0
  /** Why the renewal under way began. */
  renewalCause: RenewalCause | undefined
  #registration: Registration
  #session: Session
  /** When the cron line asks for the next token; on the wall clock, as cron lines are. */
  #reissueAt: Instant | undefined
  #renewals: RenewalCounts = NO_RENEWALS
  #sessionNumber = 0
  #rejected: Sealed | undefined

  constructor(
    deps: BrokerDeps,
    registration: Registration,
    records: VaultRecords,
    loaded: LoadedRecord | undefined,
    homeOf: (state: AppState) => AppHome,
  ) {
    this.deps = deps
    this.outstanding = new OutstandingRequests(deps.clock)
    this.#registration = registration
    const { app } = registration
    this.ledger = new Ledger(records, app.name, identityOf(app), loaded, deps.clock)
    this.#session = restoreSession(app, this.ledger, deps.clock)
    this.scheduleReissue()
    this.home = homeOf(this)
  }

  get app(): App {
    return this.#registration.app
  }

  get registration(): Registration {
    return this.#registration
  }

  get session(): Session {
    return this.#session
  }

  get renewals(): RenewalCounts {
    return this.#renewals
  }

  /**
   * Changes with each sign-in, each sign-out, and each record that another process wrote: answers to
   * earlier requests are discarded then.
   */
  get sessionNumber(): number {
    return this.#sessionNumber
  }

  /** When the cron line asks for the next token, if it does. */
  get reissueAt(): Instant | undefined {
    return this.#reissueAt
  }

  /**
   * Takes over what the config says now, for the same identity. Waiting is over in any case: a reload
   * is also how a person says that something was corrected elsewhere.
   */
  reconfigure(registration: Registration, changed: boolean): void {
    const asksOtherScopes = registration.app.scopes.join(' ') !== this.app.scopes.join(' ')
    this.#registration = registration
    this.#session = assumeLifetime(this.app, this.#session)
    if (changed) {
      this.scheduleReissue()
      // No person has to sign in for a service app's new scopes: its next token has them.
      if (asksOtherScopes && this.app.type === 'service') this.#reissueAt = 0
      // The policy is asked, not stored: what it says of the token in hand has changed with it.
      this.deps.onChange(this.app.name)
    }
    this.endWaiting()
  }

  /** Ends a back-off: the next heartbeat tries again. */
  endWaiting(): void {
    this.registration.server.forgetFailures()
    this.apply({ type: 'wait-over' })
  }

  /** When the token ends; 0 where there is none, infinite for one without an end. */
  tokenEndsAt(): Instant {
    const { tokens } = this.#session
    return tokens ? (expiresAt(tokens, this.deps.clock.read()) ?? Infinity) : 0
  }

  apply(event: SessionEvent): void {
    const before = this.#session
    this.#renewals = countRenewal(this.#renewals, event)
    this.#session = nextSession(before, event, this.app.refresh)
    if (event.type === 'signed-in' || event.type === 'signed-out') this.#sessionNumber += 1
    if (this.#session === before) return
    const { log, onChange, onGrant } = this.deps
    const { status, tokens } = this.#session
    const failure = 'failure' in event ? { error: event.failure.code } : {}
    const level = 'failure' in event ? 'warn' : 'info'
    log[level](
      {
        app: this.app.name,
        event: event.type,
        session: status,
        ...failure,
        token: tokens?.accessToken.fingerprint,
      },
      'session changed',
    )
    onChange(this.app.name)
    recordActivity(this, before, event)
    if (event.type === 'granted' || event.type === 'signed-in') onGrant(this.app)
  }

  /** Notes that an API refused the current access token before its time. */
  noteRejected(accessToken: Sealed): void {
    if (this.#rejected === accessToken) return
    this.#rejected = accessToken
    this.deps.onChange(this.app.name)
  }

  /** By the token's age; a token that does not expire is stale once an API has refused it. */
  freshness(now: Reading): Freshness {
    return this.isTokenRefused() ? 'stale' : freshness(this.session.tokens, now, this.app.refresh)
  }

  /** Whether the token does not expire, and an API has refused it. */
  isTokenRefused(): boolean {
    const { tokens } = this.session
    return tokens?.lifetimeMs === null && tokens.accessToken === this.#rejected
  }

  /** No usable answer came, or no request could be sent. */
  recordUnavailable(
    failure: Failure,
    details: Pick<
      Extract<SessionEvent, { type: 'unavailable' }>,
      'refusal' | 'retryAfterMs' | 'tokens'
    > = {},
  ): void {
    const { clock, random } = this.deps
    this.apply({ type: 'unavailable', failure, at: clock.read(), random: random(), ...details })
  }

  /** Takes over the session that the record describes, after another process changed the record. */
  reloadFromRecord(): void {
    this.#sessionNumber += 1
    this.#session = restoreSession(this.app, this.ledger, this.deps.clock)
    this.deps.onChange(this.app.name)
  }

  /** Tries again to store what the disk refused, or to read what a newer version wrote. Runs in the queue. */
  async retryRecord(): Promise<void> {
    const { log, onChange } = this.deps
    const { unstored } = this.ledger
    const result = await this.ledger.retry()
    if (result.kind === 'changed') {
      log.info({ app: this.app.name }, 'took over a record that another program wrote')
      this.reloadFromRecord()
    }
    if (result.kind === 'stored' && unstored) {
      log.info({ app: this.app.name }, 'stored what the disk had refused')
      onChange(this.app.name)
    }
  }

  /** Whether the cron line's next instant has come. */
  isReissueDue({ wall }: Reading): boolean {
    return this.#reissueAt !== undefined && wall >= this.#reissueAt
  }

  /** Computes the next instant again: after each grant, and after the wall clock was set back. */
  scheduleReissue(): void {
    this.#reissueAt = this.#registration.nextReissue()
  }
}
