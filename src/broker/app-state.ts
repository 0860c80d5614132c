/**
 * All that we know about one app now: its registration, its session and its record. Whoever
 * changes it holds the app's queue (`keeper.ts`); reading it is free.
 */
import { type App, identityOf } from '../core/app.ts'
import type {
  Clock,
  Failure,
  GrantOutcome,
  LoadedRecord,
  Log,
  Registration,
  StoreResult,
  Vault,
} from '../core/ports.ts'
import { stated } from '../core/foreseen.ts'
import { counted, NO_RENEWALS, type RenewalCounts } from '../core/renewal-counts.ts'
import { next, type Session, type SessionEvent } from '../core/session.ts'
import {
  type Freshness,
  freshness,
  type Instant,
  type Reading,
  reassume,
  receive,
  restore,
  type Sealed,
  toStored,
} from '../core/token.ts'
import type { Sleep } from './within.ts'
import { Ledger, type RecordChange } from './ledger.ts'

export interface BrokerDeps {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly sleep: Sleep
  readonly log: Log
  /** Called whenever something that `status` tells may have changed. */
  readonly onChange: (app: string) => void
}

export type Granted = Extract<GrantOutcome, { kind: 'granted' }>

export class AppState {
  readonly deps: BrokerDeps
  readonly ledger: Ledger
  #registration: Registration
  #session: Session
  /** When the cron line asks for the next token; on the wall clock, as cron lines are. */
  #reissueAt: Instant | undefined
  #renewals: RenewalCounts = NO_RENEWALS
  #rejected: Sealed | undefined

  constructor(
    deps: BrokerDeps,
    registration: Registration,
    vault: Vault,
    loaded: LoadedRecord | undefined,
  ) {
    this.deps = deps
    this.#registration = registration
    const { app } = registration
    this.ledger = new Ledger(vault, app.name, identityOf(app), loaded)
    this.#session = restoredSession(app, this.ledger, loaded?.damaged ?? false, deps.clock)
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

  /** When the cron line asks for the next token, if it does. */
  get reissueAt(): Instant | undefined {
    return this.#reissueAt
  }

  /** Takes over what the config says now, for the same identity; where that changed, waiting is over. */
  reconfigure(registration: Registration, changed: boolean): void {
    const asksOtherScopes = registration.app.scopes.join(' ') !== this.app.scopes.join(' ')
    const handedOver = registration.clientSecret?.sha256 !== this.registration.clientSecret?.sha256
    this.#registration = registration
    if (!changed && !handedOver) return
    const { tokens } = this.#session
    this.#session = reassumed(this.app, this.#session)
    if (this.#session.tokens !== tokens) this.deps.onChange(this.app.name)
    this.scheduleReissue()
    // Nobody has to sign in for a service app's new scopes: its next token has them.
    if (asksOtherScopes && this.app.type === 'service') this.#reissueAt = 0
    this.apply({ type: 'wait-over' })
  }

  apply(event: SessionEvent): void {
    const before = this.#session
    this.#renewals = counted(this.#renewals, event)
    this.#session = next(before, event, this.app.refresh)
    if (this.#session === before) return
    const { log, onChange } = this.deps
    const { status, tokens } = this.#session
    const failure = 'failure' in event ? { error: event.failure.error } : {}
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
  }

  /** Notes that an API refused the current access token before its time. */
  noteRejected(accessToken: Sealed): void {
    if (this.#rejected === accessToken) return
    this.#rejected = accessToken
    this.deps.onChange(this.app.name)
  }

  /** As the age of the token has it; but one that never ages is stale once an API has refused it. */
  freshness(now: Reading): Freshness {
    const { tokens } = this.session
    const refused = tokens?.lifetimeMs === null && tokens.accessToken === this.#rejected
    return refused ? 'stale' : freshness(tokens, now)
  }

  unavailable(failure: Failure, retryAfterMs?: number): void {
    const { clock, random } = this.deps
    this.apply({
      type: 'unavailable',
      failure,
      at: clock.read(),
      random: random(),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
  }

  /**
   * Stores what a grant brought, then serves it. Where the disk refuses it is served from memory
   * until the disk takes it; where somebody else changed the record meanwhile it is given up.
   */
  async adopt(
    { grant, received: at }: Granted,
    type: 'granted' | 'signed-in',
    change: RecordChange,
  ): Promise<StoreResult['kind']> {
    const { random, log } = this.deps
    const received = receive(grant, at, this.app.refresh, random())
    const { tokens } = next(this.session, { type, tokens: received }, this.app.refresh)
    const { lost, ...kept } = change
    const { refreshTokenLifetimeMs: lifetimeMs } = grant
    const { wall } = received.received
    log.trace({ app: this.app.name, step: 'store' }, 'protocol')
    const result = await this.ledger.write({
      ...kept,
      ...(tokens && { tokens: toStored(tokens) }),
      ...(type === 'signed-in' && { signedInAt: wall }),
      ...(lifetimeMs !== undefined && stated(change, lifetimeMs, wall)),
    })
    log.trace({ app: this.app.name, step: 'stored', result: result.kind }, 'protocol')
    if (result.kind === 'changed') return 'changed'
    if (result.kind === 'unwritable') {
      log.error({ app: this.app.name, error: result.failure.error }, result.failure.message)
    }
    this.apply({ type, tokens: tokens ?? received })
    this.scheduleReissue()
    return result.kind
  }

  /** The session that the vault's record describes, after somebody else changed it. */
  readopt(): void {
    this.#session = restoredSession(this.app, this.ledger, false, this.deps.clock)
    this.deps.onChange(this.app.name)
  }

  /**
   * The client secrets to try, newest first; one `undefined` for an app that has none. One that is of
   * another kind than the app shows now (a secret, a key) waits until the config says so again.
   */
  clientSecrets(): readonly (Sealed | undefined)[] {
    const { clientSecret, nextClientSecret } = this.ledger.record
    const { clientSecret: handedOver, server } = this.#registration
    const secrets = [nextClientSecret, clientSecret, handedOver].filter(
      (secret) => secret !== undefined && !server.secretFault(secret),
    )
    return secrets.length > 0 ? secrets : [undefined]
  }

  /** The SHA-256 of every secret that we hold of this app. */
  secretDigests(): readonly string[] {
    const { clientSecret, nextClientSecret } = this.ledger.record
    const { accessToken, refreshToken } = this.session.tokens ?? {}
    const handedOver = this.#registration.clientSecret
    return [clientSecret, nextClientSecret, handedOver, accessToken, refreshToken].flatMap(
      (secret) => (secret ? [secret.sha256] : []),
    )
  }

  /** Whether the cron line's next instant has come. */
  reissueDue({ wall }: Reading): boolean {
    return this.#reissueAt !== undefined && wall >= this.#reissueAt
  }

  /** Works the next instant out anew: after each grant, and after the wall clock was set back. */
  scheduleReissue(): void {
    this.#reissueAt = this.#registration.nextReissue()
  }
}

/** The session with its token as long-lived as the config assumes it now. */
function reassumed({ accessTokenLifetimeMs, refresh }: App, session: Session): Session {
  const { tokens } = session
  return tokens ? { ...session, tokens: reassume(tokens, accessTokenLifetimeMs, refresh) } : session
}

function restoredSession(app: App, { record }: Ledger, damaged: boolean, clock: Clock): Session {
  const now = clock.read()
  const tokens =
    record.tokens && reassume(restore(record.tokens, now), app.accessTokenLifetimeMs, app.refresh)
  const held = tokens ? { tokens } : {}
  if (record.lost) return { status: 'signed-out', ...held, error: record.lost }
  if (damaged) {
    const message = `The record of "${app.name}" could not be read. It was set aside, not deleted.`
    return { status: 'signed-out', error: { error: 'record_damaged', message, at: now.wall } }
  }
  return tokens || app.type === 'service' ? { status: 'active', ...held } : { status: 'signed-out' }
}
