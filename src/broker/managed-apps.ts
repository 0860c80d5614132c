/** The apps of the config, and those of them that are managed: all, once the vault is open. */
import { type App, identityOf } from '../core/app.ts'
import { appsOf, type IssuerTurns, type Registration } from '../core/registration.ts'
import { planReload, type ReloadPlan } from '../core/reload-plan.ts'
import type { VaultRecords } from '../core/vault.ts'
import { SidecarError } from '../errors.ts'
import type { AppHome } from './app-home.ts'
import { AppState } from './app-state.ts'
import { forEachAtOnce } from './at-once.ts'
import type { BrokerDeps } from './broker-deps.ts'
import { runWhenIdle } from './idle.ts'
import { createUnsharedHome } from './unshared-home.ts'
import { ManagedApp } from './managed-app.ts'
import type { NotRestored } from './status-of.ts'
import { UnreadRecords } from './unread-records.ts'

/** Enough to keep Node's thread pool busy; to load 10,000 apps at once would take 100 MB. */
const LOADED_AT_ONCE = 16

export class ManagedApps {
  readonly #deps: BrokerDeps
  readonly #managed = new Map<string, ManagedApp>()
  readonly #homeOf: (state: AppState) => AppHome
  readonly #unread: UnreadRecords
  #registrations: ReadonlyMap<string, Registration> = new Map()
  #turns: ReadonlySet<IssuerTurns> = new Set()

  /** @param homeOf says who may spend an app's session. */
  constructor(
    deps: Omit<BrokerDeps, 'onGrant'>,
    registrations: readonly Registration[],
    homeOf: (state: AppState) => AppHome = (state) => createUnsharedHome(state),
  ) {
    this.#homeOf = homeOf
    this.#unread = new UnreadRecords(deps)
    this.#deps = {
      ...deps,
      onGrant: (app) => {
        this.#endIssuersWaiting(app)
      },
    }
    this.#register(byName(registrations))
  }

  /** The name of every configured app. */
  names(): readonly string[] {
    return [...this.#registrations.keys()]
  }

  has(app: string): boolean {
    return this.#registrations.has(app)
  }

  all(): Iterable<ManagedApp> {
    return this.#managed.values()
  }

  states(): readonly AppState[] {
    return [...this.#managed.values()].map(({ state }) => state)
  }

  /** Undefined for an app that is not managed, whether it is configured or not. */
  find(app: string): ManagedApp | undefined {
    return this.#managed.get(app)
  }

  /** @throws {SidecarError} `unknown_app`. */
  registration(app: string): Registration {
    const registration = this.#registrations.get(app)
    if (!registration) throw new SidecarError('unknown_app', `No app named "${app}" is configured.`)
    return registration
  }

  turns(): ReadonlySet<IssuerTurns> {
    return this.#turns
  }

  isComplete(): boolean {
    return this.#managed.size === this.#registrations.size
  }

  /** Whether it is time to read the records again that could not be read. */
  isRetryDue(mono: number): boolean {
    return !this.isComplete() && this.#unread.isRetryDue(mono)
  }

  /** Why the record of the app could not be read, if that was tried and failed. */
  unread(app: string): NotRestored | undefined {
    return this.#unread.find(app)
  }

  /** Restores every app that is not managed yet, but for those whose record cannot be read now. */
  async restore(records: VaultRecords): Promise<void> {
    const missing = [...this.#registrations.values()].filter(
      ({ app }) => !this.#managed.has(app.name),
    )
    if (missing.length === 0) return
    this.#unread.beginAttempt()
    await forEachAtOnce(missing, LOADED_AT_ONCE, (registration) =>
      this.#restoreOne(records, registration),
    )
    if (this.isComplete()) this.#unread.end()
  }

  async #restoreOne(records: VaultRecords, registration: Registration): Promise<void> {
    const { app } = registration
    const read = await this.#unread.tryToRead(app.name, () =>
      records.load({ app: app.name, identity: identityOf(app) }),
    )
    if (read) {
      const state = new AppState(this.#deps, registration, records, read.loaded, this.#homeOf)
      this.#managed.set(app.name, new ManagedApp(state))
    }
    this.#deps.onChange(app.name)
  }

  /**
   * Takes over a new config: what is the same app as before keeps its session undisturbed.
   *
   * @param onLeave called with each app that is no longer managed.
   * @param askedAt when the owner asked for it, on the monotonic clock.
   * @throws {SidecarError} `unavailable` where a request of an app that goes away is out, and stays out.
   */
  async reconfigure(
    registrations: readonly Registration[],
    onLeave: (app: string) => void,
    askedAt: number,
  ): Promise<ReloadPlan> {
    const next = byName(registrations)
    const plan = planReload(appsOf(this.#registrations.values()), appsOf(next.values()))
    const leaving = [...plan.removed, ...plan.replaced]
    await this.#closeApps(leaving, askedAt)
    this.#register(next)
    for (const app of leaving) {
      onLeave(app)
      this.#unread.forget(app)
      this.#managed.delete(app)
    }
    const changed = new Set(plan.changed)
    for (const [app, { state }] of this.#managed) {
      const registration = this.registration(app)
      await state.queue.run(async () => {
        state.reconfigure(registration, changed.has(app))
      })
    }
    return plan
  }

  /** From now on no app begins anything new. */
  close(): void {
    for (const managed of this.#managed.values()) managed.close()
  }

  /** Resolves when every request that is out now has its answer, and that is stored. */
  async drain(): Promise<void> {
    await Promise.all([...this.#managed.values()].map((managed) => managed.drain()))
  }

  #register(registrations: ReadonlyMap<string, Registration>): void {
    this.#registrations = registrations
    this.#turns = new Set([...registrations.values()].map(({ turns }) => turns))
  }

  /** Closes these apps when none of their requests is out; where that takes too long, none is closed. */
  async #closeApps(apps: readonly string[], askedAt: number): Promise<void> {
    const managed = apps.flatMap((app) => this.#managed.get(app) ?? [])
    for (const one of managed) one.close()
    try {
      await Promise.all(
        managed.map((one) => runWhenIdle(one.state, async () => undefined, askedAt)),
      )
    } catch (error) {
      for (const one of managed) one.reopen()
      throw error
    }
  }

  /** The server of `app` answers: its other apps need not wait for the end of their back-off. */
  #endIssuersWaiting({ name, issuer }: App): void {
    for (const { state } of this.#managed.values()) {
      const { app, session } = state
      if (app.issuer !== issuer || app.name === name) continue
      if (session.status === 'retrying' && session.mayEndEarly) {
        state.apply({ type: 'issuer-answers' })
      }
    }
  }
}

function byName(registrations: readonly Registration[]): ReadonlyMap<string, Registration> {
  return new Map(registrations.map((registration) => [registration.app.name, registration]))
}
