/**
 * All that we know about one app now: its registration, its session and its record. Changes run in
 * the app's queue (`managed-app.ts`); reading is free.
 */
import { activityKinds, type Happened, type RenewalCause } from '../core/activity.ts'
import { type App, identityOf } from '../core/app.ts'
import type { Clock, Failure, Log } from '../core/ports.ts'
import type { Registration } from '../core/registration.ts'
import type { GrantOutcome } from '../core/authorization-server.ts'
import type { LoadedRecord, StoreResult, VaultRecords } from '../core/vault.ts'
import { updateLife, omitLife } from '../core/session-end.ts'
import type { Words } from '../core/problem.ts'
import { countRenewal, NO_RENEWALS, type RenewalCounts } from '../core/renewal-counts.ts'
import { next, type Session, type SessionEvent } from '../core/session.ts'
import {
  expiresAt,
  type Freshness,
  freshness,
  type Instant,
  type Reading,
  receive,
  type Sealed,
  toStored,
} from '../core/token.ts'
import { Ledger, type RecordChange } from './ledger.ts'
import { assumeLifetime, restoreSession } from './restored-session.ts'
import { Queue } from '../queue.ts'
import type { Sleep } from './wait-at-most.ts'

export interface BrokerDeps {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly sleep: Sleep
  readonly log: Log
  /** Called whenever something that `status` tells may have changed. */
  readonly onChange: (app: string) => void
  /** Called with what people may want to look at later. It must not wait. */
  readonly onActivity: (happened: Happened) => void
  /** What is wrong with one of the app's token files. */
  readonly fileFaultOf: (app: string) => Words | undefined
  /** Called with an app that was granted a token. */
  readonly onGrant: (app: App) => void
}

/** A request to the authorization server that is out. */
export interface OutstandingRequest {
  readonly since: Instant
  /** As `since`, on the monotonic clock. */
  readonly startedAt: number
  /** A refresh and a redemption spend something, and are never cut short; an issue spends nothing. */
  readonly kind: 'refresh' | 'redemption' | 'issue'
  readonly done: Promise<void>
}

const OWNERS_CAUSE: RenewalCause = { cause: 'owner', caller: 'owner' }

export type Granted = Extract<GrantOutcome, { kind: 'granted' }>

export class AppState {
  readonly deps: BrokerDeps
  readonly ledger: Ledger
  /** Everything that changes the app, one after another; no request is waited for in it that spends something. */
  readonly queue = new Queue()
  /** Requests that are out, in the order in which they left. */
  readonly outstanding = new Set<OutstandingRequest>()
  /** How many callers wait for a renewal. */
  callersWaiting = 0
  /** Why the renewal under way began. */
  renewalCause: RenewalCause | undefined
  #signInsBegun = 0
  #newestSignIn = 0
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
  ) {
    this.deps = deps
    this.#registration = registration
    const { app } = registration
    this.ledger = new Ledger(records, app.name, identityOf(app), loaded, deps.clock)
    this.#session = restoreSession(app, this.ledger, deps.clock)
    this.scheduleReissue()
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
   * Another one after each sign-in, sign-out, and record that another process wrote: the answer to
   * what was asked before counts for nothing then.
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
   * is also how a person says that something was mended elsewhere.
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

  /** The next heartbeat tries again, whatever was waited for. */
  endWaiting(): void {
    this.registration.server.forgetFailures()
    this.apply({ type: 'wait-over' })
  }

  /** Says that a request is out, until the result is called. */
  beginRequest(kind: OutstandingRequest['kind']): () => void {
    let done = (): void => undefined
    const now = this.deps.clock.read()
    const underWay: OutstandingRequest = {
      since: now.wall,
      startedAt: now.mono,
      kind,
      done: new Promise((resolve) => {
        done = resolve
      }),
    }
    this.outstanding.add(underWay)
    return () => {
      this.outstanding.delete(underWay)
      done()
    }
  }

  /** Counts the sign-ins whose redemption has begun. */
  nextSignInOrder(): number {
    this.#signInsBegun += 1
    return this.#signInsBegun
  }

  /** Whether the sign-in of this order becomes the session: what a person did last holds. */
  claimSession(order: number): boolean {
    if (order < this.#newestSignIn) return false
    this.#newestSignIn = order
    return true
  }

  /** When the token ends; 0 where there is none, infinite for one without an end. */
  tokenEndsAt(): Instant {
    const { tokens } = this.#session
    return tokens ? (expiresAt(tokens, this.deps.clock.read()) ?? Infinity) : 0
  }

  apply(event: SessionEvent): void {
    const before = this.#session
    this.#renewals = countRenewal(this.#renewals, event)
    this.#session = next(before, event, this.app.refresh)
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
    this.#recordActivity(before, event)
    if (event.type === 'granted' || event.type === 'signed-in') onGrant(this.app)
  }

  #recordActivity(before: Session, event: SessionEvent): void {
    const isOwners = event.type === 'signed-in' || event.type === 'signed-out'
    // Outside of a renewal only the owner gets a token, by a new client secret.
    const { cause, caller = null } =
      this.renewalCause && !isOwners ? this.renewalCause : OWNERS_CAUSE
    const durationMs = this.#requestDuration(event.type === 'signed-in' ? 'redemption' : undefined)
    const fingerprint = this.#session.tokens?.accessToken.fingerprint ?? null
    for (const kind of activityKinds(before, event)) {
      this.deps.onActivity({
        kind,
        app: this.app.name,
        caller,
        fingerprint,
        ...(kind !== 'recovered' && { durationMs, ...(!isOwners && { cause }) }),
      })
    }
  }

  /** How long the request that is being concluded has been out, in milliseconds; null where none was sent. */
  #requestDuration(kind: 'redemption' | undefined): number | null {
    const request = [...this.outstanding].find(
      (one) => (one.kind === 'redemption') === (kind === 'redemption'),
    )
    return request ? Math.round(this.deps.clock.read().mono - request.startedAt) : null
  }

  /** Notes that an API refused the current access token before its time. */
  noteRejected(accessToken: Sealed): void {
    if (this.#rejected === accessToken) return
    this.#rejected = accessToken
    this.deps.onChange(this.app.name)
  }

  /** As the age of the token has it; but one that never ages is stale once an API has refused it. */
  freshness(now: Reading): Freshness {
    return this.isTokenRefused() ? 'stale' : freshness(this.session.tokens, now, this.app.refresh)
  }

  /** Whether an API has refused the token, which never ages. */
  isTokenRefused(): boolean {
    const { tokens } = this.session
    return tokens?.lifetimeMs === null && tokens.accessToken === this.#rejected
  }

  /** No usable answer came, or none could be asked for. */
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

  /**
   * Stores what a grant brought, then serves it. Where it cannot be stored now it is served from
   * memory until it can; where another process changed the record meanwhile it is given up.
   */
  async storeAndServe(
    { grant, received: at }: Granted,
    type: 'granted' | 'signed-in',
    change: RecordChange,
  ): Promise<StoreResult['kind']> {
    const { random, log } = this.deps
    const received = receive(grant, at, random())
    const { tokens } = next(this.session, { type, tokens: received }, this.app.refresh)
    const { lost, ...kept } = change
    const { refreshTokenLifetimeMs: lifetimeMs } = grant
    const { wall } = received.received
    log.trace({ app: this.app.name, step: 'store' }, 'protocol')
    const result = await this.ledger.write({
      ...omitLife(kept),
      ...(tokens && { tokens: toStored(tokens) }),
      ...updateLife(change, lifetimeMs, wall),
      ...(type === 'signed-in' && { signedInAt: wall }),
    })
    log.trace({ app: this.app.name, step: 'stored', result: result.kind }, 'protocol')
    if (result.kind === 'changed') return 'changed'
    const { unstored } = this.ledger
    if (unstored) log.error({ app: this.app.name, error: unstored.code }, unstored.message)
    this.apply({ type, tokens: tokens ?? received })
    this.scheduleReissue()
    return result.kind
  }

  /** The session that the vault's record describes, after another process changed it. */
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

  /**
   * The client secrets to try, newest first; one `undefined` for an app that has none. One that is of
   * another kind than the app shows now (a secret, a key) waits until the config says so again.
   */
  clientSecrets(): readonly (Sealed | undefined)[] {
    const { clientSecret, nextClientSecret } = this.ledger.record
    const { clientSecret: systemdSecret, server } = this.#registration
    const secrets = [nextClientSecret, clientSecret, systemdSecret].filter(
      (secret) => secret !== undefined && !server.secretFault(secret),
    )
    return secrets.length > 0 ? secrets : [undefined]
  }

  /** The SHA-256 of every secret that we hold of this app. */
  secretDigests(): readonly string[] {
    const { clientSecret, nextClientSecret } = this.ledger.record
    const { accessToken, refreshToken } = this.session.tokens ?? {}
    const systemdSecret = this.#registration.clientSecret
    return [clientSecret, nextClientSecret, systemdSecret, accessToken, refreshToken].flatMap(
      (secret) => (secret ? [secret.sha256] : []),
    )
  }

  /** Whether the cron line's next instant has come. */
  isReissueDue({ wall }: Reading): boolean {
    return this.#reissueAt !== undefined && wall >= this.#reissueAt
  }

  /** Works the next instant out anew: after each grant, and after the wall clock was set back. */
  scheduleReissue(): void {
    this.#reissueAt = this.#registration.nextReissue()
  }
}
