/**
 * The one stateful object of the daemon: every configured app, and the vault they share.
 * It decides nothing itself; `core/` says what is due and what follows.
 */
import { OWNER_NAME } from '../core/names.ts'
import type { Registration } from '../core/registration.ts'
import type { ReloadPlan } from '../core/reload-plan.ts'
import { NO_RENEWALS, type RenewalCounts } from '../core/renewal-counts.ts'
import type { Problem } from '../core/problem.ts'
import type { AppStatus, Readiness, ServedToken } from '../core/status.ts'
import type { Sealed } from '../core/token.ts'
import { SidecarError } from '../errors.ts'
import { Queue } from '../queue.ts'
import type { AppState } from './app-state.ts'
import type { BrokerOptions } from './broker-options.ts'
import type { ManagedApp, RefreshRequest, TokenRequest } from './managed-app.ts'
import { createUnsharedHome } from './unshared-home.ts'
import { ManagedApps } from './managed-apps.ts'
import { changeAtHome } from './owner-changes.ts'
import { putClientSecret } from './put-client-secret.ts'
import { toBlockedError } from './refusal.ts'
import { runInBackground } from './run-in-background.ts'
import { secretDigestsOf } from './secrets.ts'
import { leaveSharing, type LeftSharing } from './sharing/leave-sharing.ts'
import type { RemoteApp } from './sharing/remote-app.ts'
import { SignIns } from './sign-ins.ts'
import { type SignedOut, signOut } from './sign-out.ts'
import { type NotRestored, notRestoredProblem, notRestoredStatus } from './status-of.ts'
import { VaultAccess } from './vault-access.ts'
import { createVaultKeyChanges, type VaultKeyChanges } from './vault-key.ts'
import { applyWake, WakeWatch } from './wake-watch.ts'

export class Broker {
  readonly signIns: SignIns
  readonly vaultKey: VaultKeyChanges
  readonly #options: BrokerOptions
  readonly #apps: ManagedApps
  readonly #vault: VaultAccess
  readonly #wakes: WakeWatch
  /** Opening the vault and reloading change the apps: one after another. */
  readonly #queue = new Queue()
  #opening: Promise<void> | undefined
  #stopping = false

  constructor(options: BrokerOptions, registrations: readonly Registration[]) {
    this.#options = options
    const { sharing } = options
    const homeOf = (state: AppState) =>
      sharing?.homeOf(state) ?? createUnsharedHome(state, options.keeperId)
    this.#apps = new ManagedApps(options, registrations, homeOf)
    this.#vault = new VaultAccess(options)
    this.#wakes = new WakeWatch(options)
    this.vaultKey = createVaultKeyChanges(options, this.#vault, this.#apps)
    this.signIns = new SignIns({ ...options, findApp: (app) => this.#app(app) })
  }

  appNames(): readonly string[] {
    return this.#apps.names()
  }

  /** Whether it is configured. */
  hasApp(app: string): boolean {
    return this.#apps.has(app)
  }

  /** Opens the vault and restores every session; the heartbeat tries again what could not be opened or read. */
  open(): Promise<void> {
    this.#opening ??= this.#queue
      .run(async () => {
        if (this.#vault.vault ?? (await this.#vault.open())) await this.#restore()
      })
      .finally(() => {
        this.#opening = undefined
      })
    return this.#opening
  }

  /** Begins everything that is due, and waits for none of it. Called at each heartbeat. */
  beat(): void {
    if (this.#stopping) return
    const { clock, log } = this.#options
    const now = clock.read()
    applyWake(this.#wakes.look(now), this.#apps.states())
    const isDue = this.#vault.vault
      ? this.#apps.isRetryDue(now.mono)
      : this.#vault.isRetryDue(now.mono)
    if (isDue) runInBackground(log, 'opening the vault', () => this.open())
    for (const managed of this.#apps.all()) {
      runInBackground(log, 'renewal', () => managed.maintain(now), managed.state.app.name)
    }
    for (const turns of this.#apps.turns()) turns.beat()
    this.signIns.beat()
  }

  /** Begins nothing new; resolves when every request that is out has its answer, and that is stored. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.signIns.close()
    this.#apps.close()
    await Promise.all([this.#queue.drain(), this.drain()])
    // A reload that was under way may have added apps.
    this.#apps.close()
    await this.drain()
  }

  /** Resolves when every request that is out now has its answer, and that is stored. */
  async drain(): Promise<void> {
    await this.#apps.drain()
  }

  /** @throws {SidecarError} `unknown_app`. */
  status(app: string): AppStatus {
    const registration = this.#apps.registration(app)
    const managed = this.#remote(app) ?? this.#apps.find(app)
    if (managed) return managed.status()
    return notRestoredStatus(registration.app, this.#notRestored(app), this.#wakes.last.wall)
  }

  /** Those of `status`, in less time. @throws {SidecarError} `unknown_app`. */
  problems(app: string): readonly Problem[] {
    const registration = this.#apps.registration(app)
    const managed = this.#remote(app) ?? this.#apps.find(app)
    return managed?.problems() ?? [notRestoredProblem(registration.app, this.#notRestored(app))]
  }

  /** @throws {SidecarError} `unknown_app`. */
  issuer(app: string): string {
    return this.#apps.registration(app).app.issuer
  }

  /** @throws {SidecarError} `unknown_app`. */
  readiness(app: string): Readiness {
    this.#apps.registration(app)
    const managed = this.#remote(app) ?? this.#apps.find(app)
    return managed?.readiness() ?? { ready: false, reason: this.#notRestored(app).case }
  }

  /** @throws {SidecarError} `unknown_app`, `vault_locked`, and as `ManagedApp.token`. */
  token(app: string, ask: TokenRequest): ServedToken | Promise<ServedToken> {
    return (this.#remote(app) ?? this.#app(app)).token(ask)
  }

  /** @throws {SidecarError} `unknown_app`, `vault_locked`, and as `ManagedApp.token`. */
  async refresh(app: string, ask: RefreshRequest): Promise<ServedToken> {
    const managed = this.#app(app)
    const remote = this.#remote(app)
    if (remote) return remote.refresh(ask.rejectedSha256)
    return ask.now ? managed.refreshNow() : managed.refresh(ask)
  }

  /**
   * Ends the app's pending sign-in, revokes its newest token where the server can, and forgets it.
   *
   * @throws {SidecarError} `unknown_app`, `vault_locked`, and as `signOut` in `sign-out.ts`.
   */
  async logout(app: string): Promise<SignedOut> {
    const { state } = this.#app(app)
    const askedAt = this.#options.clock.read().mono
    return changeAtHome(
      state,
      () => signOut(state, askedAt),
      () => {
        this.signIns.cancel(app, 'The app was signed out.')
      },
    )
  }

  /** @throws {SidecarError} as `putClientSecret` in `put-client-secret.ts`. */
  async putClientSecret(
    app: string,
    secret: Sealed,
    isPrivateKey = false,
  ): Promise<{ proven: boolean }> {
    const { state } = this.#app(app)
    const stored = await changeAtHome(state, () => putClientSecret(state, { secret, isPrivateKey }))
    this.#options.onActivity({ kind: 'secret_stored', app, caller: OWNER_NAME })
    return stored
  }

  /**
   * Ends the sharing with other hosts.
   *
   * @throws {SidecarError} `vault_locked`, and as `leaveSharing` in `sharing/leave-sharing.ts`.
   */
  async leaveSharing(): Promise<LeftSharing> {
    this.#vault.requireOpen()
    return leaveSharing(this.#apps.states(), this.#options.sharing)
  }

  /** Whether the app is renewed here. @throws {SidecarError} `unknown_app`. */
  isHome(app: string): boolean {
    return this.#remote(app) === undefined
  }

  /** The app's renewals since it was restored, counted by outcome. */
  renewals(app: string): RenewalCounts {
    return this.#apps.find(app)?.state.renewals ?? NO_RENEWALS
  }

  /** Which of these hex SHA-256 are of secrets that we hold. @throws {SidecarError} `vault_locked`. */
  holds(sha256: readonly string[]): readonly string[] {
    const keys = this.#vault.requireOpen().keys.digests()
    const ofApps = this.#apps.states().flatMap(secretDigestsOf)
    const held = new Set([...keys, ...ofApps])
    return sha256.filter((candidate) => held.has(candidate))
  }

  /** The app's access token, expired or not: for the token files. */
  accessToken(app: string): Sealed | undefined {
    const { tokens } = this.#remote(app) ?? this.#apps.find(app)?.state.session ?? {}
    return tokens?.accessToken
  }

  /**
   * Takes over a new config: what is the same app as before keeps its session undisturbed.
   *
   * @throws {SidecarError} `unavailable` where a request of an app that goes away is out, and stays out; `stopping`.
   */
  reload(registrations: readonly Registration[]): Promise<ReloadPlan> {
    // Another reload may be waiting for a request: both wait for the same one.
    const askedAt = this.#options.clock.read().mono
    return this.#queue.run(async () => {
      if (this.#stopping) throw new SidecarError('stopping', 'The daemon is stopping.')
      const onLeave = (app: string) => {
        this.signIns.cancel(app, 'The app was changed in the config.')
      }
      const plan = await this.#apps.reconfigure(registrations, onLeave, askedAt)
      for (const app of [...plan.removed, ...plan.replaced]) this.#options.sharing?.forget(app)
      await this.#restore()
      this.#recordReload(plan)
      return plan
    })
  }

  #recordReload({ added, changed, removed }: ReloadPlan): void {
    const { onActivity } = this.#options
    onActivity({ kind: 'config_reloaded', caller: OWNER_NAME })
    for (const app of added) onActivity({ kind: 'app_added', app, caller: OWNER_NAME })
    for (const app of changed) onActivity({ kind: 'app_changed', app, caller: OWNER_NAME })
    for (const app of removed) onActivity({ kind: 'app_removed', app, caller: OWNER_NAME })
  }

  async #restore(): Promise<void> {
    const { vault } = this.#vault
    if (!vault) return
    await this.#apps.restore(vault.records)
    // Apps whose record cannot be read now follow when it can.
    this.#options.sharing?.useCopies(vault.copies, (app) => this.#apps.find(app))
  }

  /** Undefined where this daemon is the app's home, or no other host shares it. */
  #remote(app: string): RemoteApp | undefined {
    this.#apps.registration(app)
    return this.#apps.find(app) && this.#options.sharing?.remote(app)
  }

  #app(app: string): ManagedApp {
    const registration = this.#apps.registration(app)
    const managed = this.#apps.find(app)
    if (managed) return managed
    throw toBlockedError(notRestoredProblem(registration.app, this.#notRestored(app)))
  }

  #notRestored(app: string): NotRestored {
    return this.#apps.unread(app) ?? this.#vault.notOpen
  }
}
