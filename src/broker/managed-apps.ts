/** The apps of the config, and those of them that are managed: all, once the vault is open. */
import { type App, identityOf } from '../core/app.ts'
import type { IssuerTurns, Registration } from '../core/registration.ts'
import { planReload, type ReloadPlan } from '../core/reload-plan.ts'
import type { VaultRecords } from '../core/vault.ts'
import { SidecarError } from '../errors.ts'
import type { AppHome } from './app-home.ts'
import { AppState } from './app-state.ts'
import type { BrokerDeps } from './broker-deps.ts'
import { runWhenIdle } from './idle.ts'
import { createLonelyHome } from './lonely-home.ts'
import { ManagedApp } from './managed-app.ts'

export class ManagedApps {
  readonly #deps: BrokerDeps
  readonly #managed = new Map<string, ManagedApp>()
  readonly #homeOf: (state: AppState) => AppHome
  #registrations: ReadonlyMap<string, Registration>

  /** @param homeOf says who may spend an app's session. */
  constructor(
    deps: Omit<BrokerDeps, 'onGrant'>,
    registrations: readonly Registration[],
    homeOf: (state: AppState) => AppHome = (state) => createLonelyHome(state),
  ) {
    this.#homeOf = homeOf
    this.#deps = {
      ...deps,
      onGrant: (app) => {
        this.#endIssuersWaiting(app)
      },
    }
    this.#registrations = byName(registrations)
  }

  /** The name of every configured app. */
  names(): readonly string[] {
    return [...this.#registrations.keys()]
  }

  all(): Iterable<ManagedApp> {
    return this.#managed.values()
  }

  /** Undefined for one that is not managed, whether it is configured or not. */
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
    return new Set([...this.#registrations.values()].map(({ turns }) => turns))
  }

  /** Whether the record of an app could not be read yet. */
  isIncomplete(): boolean {
    return this.#managed.size < this.#registrations.size
  }

  /** Restores every app that is not managed yet. */
  async restore(records: VaultRecords): Promise<void> {
    const missing = [...this.#registrations.values()].filter(
      ({ app }) => !this.#managed.has(app.name),
    )
    if (missing.length === 0) return
    const loaded = await records.load(
      missing.map(({ app }) => ({ app: app.name, identity: identityOf(app) })),
    )
    for (const registration of missing) {
      const { name } = registration.app
      const state = new AppState(this.#deps, registration, records, loaded.get(name), this.#homeOf)
      this.#managed.set(name, new ManagedApp(state))
      this.#deps.onChange(name)
    }
  }

  /**
   * Takes over a new config: what is the same app as before keeps its session undisturbed.
   *
   * @param onLeave called with each app that is managed no more.
   * @throws {SidecarError} `unavailable` where a request of an app that goes away is out, and stays out.
   */
  async reconfigure(
    registrations: readonly Registration[],
    onLeave: (app: string) => void,
  ): Promise<ReloadPlan> {
    const next = byName(registrations)
    const plan = planReload(appsOf(this.#registrations), appsOf(next))
    const leaving = [...plan.removed, ...plan.replaced]
    await this.#closeApps(leaving)
    this.#registrations = next
    for (const app of leaving) {
      onLeave(app)
      this.#managed.delete(app)
    }
    for (const [app, { state }] of this.#managed) {
      const registration = this.registration(app)
      await state.queue.run(async () => {
        state.reconfigure(registration, plan.changed.includes(app))
      })
    }
    return plan
  }

  /** Begins nothing new in any of them. */
  close(): void {
    for (const managed of this.#managed.values()) managed.close()
  }

  /** Resolves when every request that is out now has its answer, and that is stored. */
  async drain(): Promise<void> {
    await Promise.all([...this.#managed.values()].map((managed) => managed.drain()))
  }

  /** Closes these apps when none of their requests is out; where that takes too long, none is closed. */
  async #closeApps(apps: readonly string[]): Promise<void> {
    const managed = apps.flatMap((app) => this.#managed.get(app) ?? [])
    for (const one of managed) one.close()
    try {
      await Promise.all(managed.map((one) => runWhenIdle(one.state, async () => undefined)))
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

function appsOf(registrations: ReadonlyMap<string, Registration>): ReadonlyMap<string, App> {
  return new Map([...registrations].map(([name, { app }]) => [name, app]))
}
