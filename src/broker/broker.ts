/**
 * The one stateful object of the daemon: every configured app, and the vault they share.
 * It decides nothing itself; `core/` says what is due and what follows.
 */
import { type App, identityOf } from '../core/app.ts'
import { compareClocks } from '../core/clocks.ts'
import type { IssuerTurns, Registration } from '../core/registration.ts'
import type { OpenedVault } from '../core/vault.ts'
import type { RedirectListener } from '../core/redirect-listener.ts'
import { planReload, type ReloadPlan } from '../core/reload-plan.ts'
import { NO_RENEWALS, type RenewalCounts } from '../core/renewal-counts.ts'
import type { AppStatus, Readiness, ServedToken } from '../core/status.ts'
import type { Reading, Sealed } from '../core/token.ts'
import type { KeySource } from '../core/vault-key-source.ts'
import { SidecarError } from '../errors.ts'
import { AppState, type BrokerDeps } from './app-state.ts'
import { changeWhenIdle, runWhenIdle } from './idle.ts'
import { ManagedApp, type TokenRequest } from './managed-app.ts'
import { putClientSecret, signOut } from './owner-changes.ts'
import { Queue } from '../queue.ts'
import { SignIns } from './sign-ins.ts'
import { lockedStatus } from './status-of.ts'
import { VaultAccess } from './vault-access.ts'

export interface BrokerOptions extends Omit<BrokerDeps, 'onGrant'> {
  readonly openVault: () => Promise<OpenedVault>
  readonly listener: RedirectListener
  /** An unguessable name for a sign-in. */
  readonly newId: () => string
  /** Changes when the machine's network does; empty while it has none. */
  readonly networkSignature: () => string
}

export interface RefreshRequest {
  /** The access token that an API refused, as lower-case hex SHA-256. */
  readonly rejectedSha256?: string
  /** A person wishes it: whatever back-off or limit waits. */
  readonly now?: boolean
  /** The name of the caller. */
  readonly caller?: string
}

export class Broker {
  readonly signIns: SignIns
  readonly #options: BrokerOptions
  readonly #stateDeps: BrokerDeps
  readonly #vault: VaultAccess
  readonly #apps = new Map<string, ManagedApp>()
  #registrations: ReadonlyMap<string, Registration>
  /** Opening the vault and reloading change the apps: one after another. */
  readonly #queue = new Queue()
  #opening: Promise<void> | undefined
  #stopping = false
  #lastBeat: Reading
  #network: string

  constructor(options: BrokerOptions, registrations: readonly Registration[]) {
    this.#options = options
    this.#stateDeps = {
      ...options,
      onGrant: (app) => {
        this.#endIssuersWaiting(app)
      },
    }
    this.#vault = new VaultAccess(options)
    this.#registrations = byName(registrations)
    this.#lastBeat = options.clock.read()
    this.#network = options.networkSignature()
    this.signIns = new SignIns({ ...options, appNamed: (app) => this.#app(app) })
  }

  appNames(): readonly string[] {
    return [...this.#registrations.keys()]
  }

  /** Opens the vault and restores every session; a locked vault is tried again by the heartbeat. */
  open(): Promise<void> {
    this.#opening ??= this.#queue
      .run(async () => {
        if (await this.#vault.open()) await this.#restore()
      })
      .finally(() => {
        this.#opening = undefined
      })
    return this.#opening
  }

  /** Looks after everything that may be due, and waits for none of it. Called at each heartbeat. */
  beat(): void {
    if (this.#stopping) return
    const now = this.#options.clock.read()
    this.#noticeWakes(now)
    if (this.#vault.isRetryDue(now.mono)) this.#inBackground('opening the vault', this.open())
    for (const [app, managed] of this.#apps) {
      this.#inBackground('renewal', managed.maintain(), app)
    }
    for (const turns of this.#turns()) turns.beat()
    this.signIns.beat()
  }

  /** Begins nothing new; resolves when every request that is out has its answer, and that is stored. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.signIns.close()
    for (const managed of this.#apps.values()) managed.close()
    await Promise.all([this.#queue.drain(), this.drain()])
    // A reload that was under way may have made more of them.
    for (const managed of this.#apps.values()) managed.close()
    await this.drain()
  }

  /** Resolves when every request that is out now has its answer, and that is stored. */
  async drain(): Promise<void> {
    await Promise.all([...this.#apps.values()].map((managed) => managed.drain()))
  }

  /** @throws {SidecarError} `unknown_app`. */
  status(app: string): AppStatus {
    const registration = this.#registration(app)
    const managed = this.#apps.get(app)
    if (managed) return managed.status()
    const { failure, hint, attempts } = this.#vault
    const lastError = { ...failure, at: this.#lastBeat.wall }
    return lockedStatus(registration.app, { lastError, hint, attempts })
  }

  /** @throws {SidecarError} `unknown_app`. */
  readiness(app: string): Readiness {
    this.#registration(app)
    return this.#apps.get(app)?.readiness() ?? { ready: false, reason: 'vault_locked' }
  }

  /** @throws {SidecarError} `unknown_app`, `vault_locked`, and as `ManagedApp.token`. */
  token(app: string, ask: TokenRequest): ServedToken | Promise<ServedToken> {
    return this.#app(app).token(ask)
  }

  /** @throws {SidecarError} `unknown_app`, `vault_locked`, and as `ManagedApp.token`. */
  async refresh(app: string, ask: RefreshRequest): Promise<ServedToken> {
    const managed = this.#app(app)
    return ask.now ? managed.refreshNow() : managed.refresh(ask)
  }

  /**
   * Ends the app's pending sign-in, revokes its newest token where the server can, and forgets it.
   *
   * @throws {SidecarError} `unknown_app`, `vault_locked`, and as `signOut` in `owner-changes.ts`.
   */
  async logout(app: string): Promise<{ revoked: boolean }> {
    const managed = this.#app(app)
    this.signIns.cancel(app, 'The app was signed out.')
    return changeWhenIdle(managed.state, () => signOut(managed.state))
  }

  /** @throws {SidecarError} as `putClientSecret` in `owner-changes.ts`. */
  async putClientSecret(
    app: string,
    secret: Sealed,
    isPrivateKey = false,
  ): Promise<{ proven: boolean }> {
    const managed = this.#app(app)
    const stored = await changeWhenIdle(managed.state, () =>
      putClientSecret(managed.state, { secret, isPrivateKey }),
    )
    this.#options.onActivity({ kind: 'secret_stored', app, caller: 'owner' })
    return stored
  }

  /** What came of the app's renewals since it is kept here. */
  renewals(app: string): RenewalCounts {
    return this.#apps.get(app)?.state.renewals ?? NO_RENEWALS
  }

  /** Which of these hex SHA-256 are of secrets that we hold. @throws {SidecarError} `vault_locked`. */
  holds(sha256: readonly string[]): readonly string[] {
    const keys = this.#vault.requireOpen().keys.digests()
    const ofApps = [...this.#apps.values()].flatMap(({ state }) => state.secretDigests())
    const held = new Set([...keys, ...ofApps])
    return sha256.filter((candidate) => held.has(candidate))
  }

  /** The app's access token, expired or not: for those who write it somewhere. */
  accessToken(app: string): Sealed | undefined {
    return this.#apps.get(app)?.state.session.tokens?.accessToken
  }

  /** Where the vault's key is; undefined while that is not known. */
  vaultKeySource(): KeySource | undefined {
    return this.#vault.keySource
  }

  /** @throws {SidecarError} `vault_locked`, and as `VaultKeys.rotate`. */
  async rotateVaultKey(): Promise<void> {
    await this.#vault.requireOpen().keys.rotate((app, work) => {
      const managed = this.#apps.get(app)
      return managed ? managed.state.queue.run(work) : work()
    })
    this.#options.onActivity({ kind: 'vault_key_rotated', caller: 'owner' })
  }

  /** @throws {SidecarError} `vault_locked`, and as `VaultKeys.move`. */
  async moveVaultKey(to: 'keychain' | 'file'): Promise<void> {
    await this.#vault.requireOpen().keys.move(to)
    this.#options.onActivity({ kind: 'vault_key_moved', caller: 'owner' })
  }

  /**
   * Takes over a new config: what is the same app as before keeps its session undisturbed.
   *
   * @throws {SidecarError} `unavailable` where a request of an app that goes away is out, and stays out.
   */
  reload(registrations: readonly Registration[]): Promise<ReloadPlan> {
    return this.#queue.run(async () => {
      const next = byName(registrations)
      const plan = planReload(appsOf(this.#registrations), appsOf(next))
      const leaving = [...plan.removed, ...plan.replaced]
      await this.#closeApps(leaving)
      this.#registrations = next
      for (const app of leaving) {
        this.signIns.cancel(app, 'The app was changed in the config.')
        this.#apps.delete(app)
      }
      for (const [app, managed] of this.#apps) {
        const registration = this.#registration(app)
        await managed.state.queue.run(async () => {
          managed.state.reconfigure(registration, plan.changed.includes(app))
        })
      }
      await this.#restore()
      this.#recordReload(plan)
      return plan
    })
  }

  #recordReload({ added, changed, removed }: ReloadPlan): void {
    const { onActivity } = this.#options
    onActivity({ kind: 'config_reloaded', caller: 'owner' })
    for (const app of added) onActivity({ kind: 'app_added', app, caller: 'owner' })
    for (const app of changed) onActivity({ kind: 'app_changed', app, caller: 'owner' })
    for (const app of removed) onActivity({ kind: 'app_removed', app, caller: 'owner' })
  }

  /** Closes these apps when none of their requests is out; where that takes too long, none is closed. */
  async #closeApps(apps: readonly string[]): Promise<void> {
    const managed = apps.flatMap((app) => this.#apps.get(app) ?? [])
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
    for (const { state } of this.#apps.values()) {
      const { app, session } = state
      if (app.issuer !== issuer || app.name === name) continue
      if (session.status === 'retrying' && session.mayEndEarly) {
        state.apply({ type: 'issuer-answers' })
      }
    }
  }

  #turns(): ReadonlySet<IssuerTurns> {
    return new Set([...this.#registrations.values()].map(({ turns }) => turns))
  }

  /** Restores every app that is not managed yet. */
  async #restore(): Promise<void> {
    const { vault } = this.#vault
    const missing = [...this.#registrations.values()].filter(({ app }) => !this.#apps.has(app.name))
    if (!vault || missing.length === 0) return
    const loaded = await vault.records.load(
      missing.map(({ app }) => ({ app: app.name, identity: identityOf(app) })),
    )
    for (const registration of missing) {
      const { name } = registration.app
      const state = new AppState(this.#stateDeps, registration, vault.records, loaded.get(name))
      this.#apps.set(name, new ManagedApp(state))
      this.#options.onChange(name)
    }
  }

  #noticeWakes(now: Reading): void {
    const { log, networkSignature, onActivity } = this.#options
    const clocks = compareClocks(this.#lastBeat, now)
    const jumpMs = now.wall - this.#lastBeat.wall - (now.mono - this.#lastBeat.mono)
    // What failed after the wake has been tried as it is now, although no beat had seen that yet.
    const awakeSince = now.wall - (now.mono - this.#lastBeat.mono)
    this.#lastBeat = now
    const network = networkSignature()
    const reconnected = network !== this.#network && network !== ''
    this.#network = network
    for (const managed of this.#apps.values()) {
      if (reconnected) managed.state.apply({ type: 'wait-over' })
      else if (clocks === 'jumped') managed.state.apply({ type: 'wait-over', before: awakeSince })
      if (clocks === 'set-back') managed.state.scheduleReissue()
    }
    if (clocks !== 'steady') log.info({ clocks }, 'the wall clock jumped')
    if (clocks === 'jumped') onActivity({ kind: 'slept', durationMs: Math.round(jumpMs) })
    if (reconnected) log.info({}, 'the network changed')
  }

  #registration(app: string): Registration {
    const registration = this.#registrations.get(app)
    if (!registration) throw new SidecarError('unknown_app', `No app named "${app}" is configured.`)
    return registration
  }

  #app(app: string): ManagedApp {
    this.#registration(app)
    const managed = this.#apps.get(app)
    if (!managed) throw this.#vault.refusal()
    return managed
  }

  /** Fire-and-forget: failures are logged here. */
  #inBackground(what: string, work: Promise<unknown>, app?: string): void {
    work.catch((error: unknown) => {
      this.#options.log.error({ app, err: error }, `${what} failed`)
    })
  }
}

function byName(registrations: readonly Registration[]): ReadonlyMap<string, Registration> {
  return new Map(registrations.map((registration) => [registration.app.name, registration]))
}

function appsOf(registrations: ReadonlyMap<string, Registration>): ReadonlyMap<string, App> {
  return new Map([...registrations].map(([name, { app }]) => [name, app]))
}
