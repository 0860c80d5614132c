/**
 * The one stateful object of the daemon: every configured app, and the vault they share.
 * It decides nothing itself; `core/` says what is due and what follows.
 */
import { lockedProblem } from '../core/problem.ts'
import type { RedirectListener } from '../core/redirect-listener.ts'
import type { Registration } from '../core/registration.ts'
import type { ReloadPlan } from '../core/reload-plan.ts'
import { NO_RENEWALS, type RenewalCounts } from '../core/renewal-counts.ts'
import type { AppStatus, Readiness, ServedToken } from '../core/status.ts'
import type { Reading, Sealed } from '../core/token.ts'
import type { OpenedVault } from '../core/vault.ts'
import type { KeySource } from '../core/vault-key-source.ts'
import { Queue } from '../queue.ts'
import type { BrokerDeps } from './broker-deps.ts'
import type { AppState } from './app-state.ts'
import { SidecarError } from '../errors.ts'
import { changeWhenIdle } from './idle.ts'
import type { ManagedApp, TokenRequest } from './managed-app.ts'
import { createLonelyHome } from './lonely-home.ts'
import { ManagedApps } from './managed-apps.ts'
import { putClientSecret, requireHome, type SignedOut, signOut } from './owner-changes.ts'
import { toError } from './refusal.ts'
import { secretDigestsOf } from './secrets.ts'
import type { KeeperSharing } from './sharing/keeper-sharing.ts'
import type { RemoteApp } from './sharing/remote-app.ts'
import { SignIns } from './sign-ins.ts'
import { lockedStatus } from './status-of.ts'
import { VaultAccess } from './vault-access.ts'
import { WakeWatch, type WakeWatchDeps } from './wake-watch.ts'

export interface BrokerOptions extends Omit<BrokerDeps, 'onGrant'>, WakeWatchDeps {
  readonly openVault: () => Promise<OpenedVault>
  readonly listener: RedirectListener
  /** An unguessable name for a sign-in. */
  readonly newId: () => string
  /** The id of this daemon among keepers, if it was ever one. */
  readonly keeperId?: string | undefined
  /** Where the sessions are shared with other hosts. */
  readonly sharing?: KeeperSharing
}

export interface RefreshRequest {
  /** The access token that an API refused, as lower-case hex SHA-256. */
  readonly rejectedSha256?: string
  /** A person wishes it: whatever back-off or limit waits. */
  readonly now?: boolean
  /** The name of the caller. */
  readonly caller?: string
}

export interface LeftSharing {
  /** The apps whose sessions are this daemon's own now. */
  readonly apps: readonly string[]
  /** Those of them of which the database, which gave no answer, may still have a copy. */
  readonly copiesLeft: readonly string[]
}

export class Broker {
  readonly signIns: SignIns
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
      sharing?.homeOf(state) ?? createLonelyHome(state, options.keeperId)
    this.#apps = new ManagedApps(options, registrations, homeOf)
    this.#vault = new VaultAccess(options)
    this.#wakes = new WakeWatch(options)
    this.signIns = new SignIns({ ...options, findApp: (app) => this.#app(app) })
  }

  appNames(): readonly string[] {
    return this.#apps.names()
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

  /** Looks after everything that may be due, and waits for none of it. Called at each heartbeat. */
  beat(): void {
    if (this.#stopping) return
    const now = this.#options.clock.read()
    this.#noticeWakes(now)
    const isDue = this.#vault.vault ? this.#apps.isIncomplete() : this.#vault.isRetryDue(now.mono)
    if (isDue) this.#inBackground('opening the vault', () => this.open())
    for (const managed of this.#apps.all()) {
      this.#inBackground('renewal', () => managed.maintain(now), managed.state.app.name)
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
    // A reload that was under way may have made more of them.
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
    const { failure, hint, attempts } = this.#vault
    const lastError = { ...failure, at: this.#wakes.last.wall }
    return lockedStatus(registration.app, { lastError, hint, attempts })
  }

  /** @throws {SidecarError} `unknown_app`. */
  issuer(app: string): string {
    return this.#apps.registration(app).app.issuer
  }

  readiness(app: string): Readiness {
    this.#apps.registration(app)
    const managed = this.#remote(app) ?? this.#apps.find(app)
    return managed?.readiness() ?? { ready: false, reason: 'vault_locked' }
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
   * @throws {SidecarError} `unknown_app`, `vault_locked`, and as `signOut` in `owner-changes.ts`.
   */
  async logout(app: string): Promise<SignedOut> {
    const managed = this.#app(app)
    await requireHome(managed.state)
    this.signIns.cancel(app, 'The app was signed out.')
    return changeWhenIdle(managed.state, async () => {
      // It may have been given away while this waited.
      await requireHome(managed.state)
      return signOut(managed.state)
    })
  }

  /** @throws {SidecarError} as `putClientSecret` in `owner-changes.ts`. */
  async putClientSecret(
    app: string,
    secret: Sealed,
    isPrivateKey = false,
  ): Promise<{ proven: boolean }> {
    const managed = this.#app(app)
    await requireHome(managed.state)
    const stored = await changeWhenIdle(managed.state, async () => {
      await requireHome(managed.state)
      return putClientSecret(managed.state, { secret, isPrivateKey })
    })
    this.#options.onActivity({ kind: 'secret_stored', app, caller: 'owner' })
    return stored
  }

  /**
   * Shares nothing any more: what this daemon is the home of is its own from now on.
   *
   * @throws {SidecarError} `vault_locked`, `unavailable` where a request of one is out.
   */
  async leaveSharing(): Promise<LeftSharing> {
    this.#vault.requireOpen()
    this.#options.sharing?.leave()
    const shared = [...this.#apps.all()].filter(({ state }) => state.ledger.record.sharing)
    const apps: string[] = []
    const copiesLeft: string[] = []
    for (const { state } of shared) {
      const withdrawn = await state.home.leave().catch((error: unknown) => {
        this.#options.sharing?.goOn()
        throw error
      })
      if (state.ledger.record.sharing) continue
      apps.push(state.app.name)
      if (!withdrawn) copiesLeft.push(state.app.name)
    }
    return { apps, copiesLeft }
  }

  /** Whether the app is renewed here. */
  isHome(app: string): boolean {
    return this.#remote(app) === undefined
  }

  /** What came of the app's renewals since it is kept here. */
  renewals(app: string): RenewalCounts {
    return this.#apps.find(app)?.state.renewals ?? NO_RENEWALS
  }

  /** Which of these hex SHA-256 are of secrets that we hold. @throws {SidecarError} `vault_locked`. */
  holds(sha256: readonly string[]): readonly string[] {
    const keys = this.#vault.requireOpen().keys.digests()
    const ofApps = [...this.#apps.all()].flatMap(({ state }) => secretDigestsOf(state))
    const held = new Set([...keys, ...ofApps])
    return sha256.filter((candidate) => held.has(candidate))
  }

  /** The app's access token, expired or not: for those who write it somewhere. */
  accessToken(app: string): Sealed | undefined {
    const { tokens } = this.#remote(app) ?? this.#apps.find(app)?.state.session ?? {}
    return tokens?.accessToken
  }

  /** Where the vault's key is; undefined while that is not known. */
  vaultKeySource(): KeySource | undefined {
    return this.#vault.keySource
  }

  /** @throws {SidecarError} `vault_locked`, `invalid_request` where others have the key, and as `VaultKeys.rotate`. */
  async rotateVaultKey(): Promise<void> {
    if (this.#options.sharing) throw sharedKeyError(HOW_TO_ROTATE)
    await this.#vault.requireOpen().keys.rotate((app, work) => {
      const managed = this.#apps.find(app)
      return managed ? managed.state.queue.run(work) : work()
    })
    this.#options.onActivity({ kind: 'vault_key_rotated', caller: 'owner' })
  }

  /** @throws {SidecarError} `vault_locked`, and as `VaultKeys.move`. */
  async moveVaultKey(to: 'keychain' | 'file'): Promise<void> {
    if (this.#options.sharing) throw sharedKeyError(WHERE_KEYS_ARE)
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
      const plan = await this.#apps.reconfigure(registrations, (app) => {
        this.signIns.cancel(app, 'The app was changed in the config.')
      })
      for (const app of [...plan.removed, ...plan.replaced]) this.#options.sharing?.forget(app)
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

  async #restore(): Promise<void> {
    const { vault } = this.#vault
    if (!vault) return
    this.#options.sharing?.useCopies(vault.copies, (app) => this.#apps.find(app))
    await this.#apps.restore(vault.records)
  }

  #noticeWakes(now: Reading): void {
    const { clocks, reconnected, awakeSince } = this.#wakes.look(now)
    if (clocks === 'steady' && !reconnected) return
    for (const { state } of this.#apps.all()) {
      if (reconnected) state.apply({ type: 'wait-over' })
      else if (clocks === 'jumped') state.apply({ type: 'wait-over', before: awakeSince })
      if (clocks === 'set-back') state.scheduleReissue()
    }
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
    const { failure, hint } = this.#vault
    throw toError(lockedProblem(registration.app, failure.message, hint))
  }

  /** Fire-and-forget: failures are logged here, and keep nothing else from being done. */
  #inBackground(what: string, begin: () => Promise<unknown> | undefined, app?: string): void {
    const report = (error: unknown) => {
      this.#options.log.error({ app, err: error }, `${what} failed`)
    }
    try {
      begin()?.catch(report)
    } catch (error) {
      report(error)
    }
  }
}

const HOW_TO_ROTATE =
  'Put the new key on the second line at every keeper and restart each, then on the first; docs/many-hosts.md has the steps.'

const WHERE_KEYS_ARE =
  'A keeper has it in its state directory ("vault": { "key": "file" }) or as a systemd credential ("credential"): stop the daemon, put it there, and say so in the config.'

function sharedKeyError(hint: string): SidecarError {
  return new SidecarError('invalid_request', 'Other keepers have the vault key, too.', { hint })
}
