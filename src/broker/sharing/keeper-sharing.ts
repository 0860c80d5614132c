/**
 * A keeper among others. `beat` writes its beat; one `tick` reads what the others wrote, and then brings
 * the rows of its apps up to date. The next tick repeats what failed.
 */
import type { App } from '../../core/app.ts'
import type { DatabaseAnswer, AppKey } from '../../core/sharing/shared-store.ts'
import type { RecordCopies } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import type { AppHome } from '../app-home.ts'
import type { AppState } from '../app-state.ts'
import { forEachAtOnce } from '../at-once.ts'
import type { ManagedApp } from '../managed-app.ts'
import { waitAtMost } from '../wait-at-most.ts'
import { ChangedRows, type Seen } from './changed-rows.ts'
import { Copy, takeCopies } from './copy.ts'
import { RemoteApp, type RemoteAppDeps } from './remote-app.ts'
import { rowsByKey } from './rows-by-key.ts'
import { SharedApp } from './shared-app.ts'
import { ThisKeeper, type ThisKeeperDeps } from './this-keeper.ts'
import { grantRenewal, requestRenewal } from './renewal-requests.ts'

export interface KeeperSharingDeps
  extends Omit<ThisKeeperDeps, 'lookSoon'>, Omit<RemoteAppDeps, 'requestRenewal'> {
  /** What the app is among all keepers. */
  readonly keyOf: (app: App) => AppKey
}

/** Leaves one of the database's connections for beats and last questions. */
const LOOKS_AT_ONCE = 3

/** A database that refuses every write is asked no more often; the look at everything comes to the others. */
const DUE_AT_ONCE = 100

interface KeeperApp {
  readonly key: AppKey
  readonly app: SharedApp
  readonly remote: RemoteApp
  readonly copy: Copy
}

export class KeeperSharing {
  readonly keeper: ThisKeeper
  readonly #deps: KeeperSharingDeps
  readonly #apps = new Map<string, KeeperApp>()
  readonly #rows: ChangedRows
  #managed: (app: string) => ManagedApp | undefined = () => undefined

  constructor(deps: KeeperSharingDeps) {
    this.#deps = deps
    const rows = new ChangedRows(deps)
    this.#rows = rows
    this.keeper = new ThisKeeper({
      ...deps,
      lookSoon: () => {
        rows.lookSoon()
      },
    })
  }

  /** Once the vault is open. */
  useCopies(copies: RecordCopies, managed: (app: string) => ManagedApp | undefined): void {
    this.keeper.useCopies(copies)
    this.#managed = managed
  }

  homeOf(state: AppState): AppHome {
    const key = this.#deps.keyOf(state.app)
    const app = new SharedApp(state, key, this.keeper)
    const remote = new RemoteApp(state.app, {
      ...this.#deps,
      requestRenewal: (needs, over) => {
        requestRenewal(this.#deps, key, needs, this.keeper.databaseClock(), over)
      },
    })
    this.#apps.set(key.app, { key, app, remote, copy: new Copy(remote) })
    // The rows that concern it may have been read before it was restored.
    this.#rows.lookSoon()
    return app
  }

  /** The app as other hosts have it, where one of them is its home. */
  remote(app: string): RemoteApp | undefined {
    const shared = this.#apps.get(app)
    return shared?.app.isElsewhere() ? shared.remote : undefined
  }

  /** @throws {SidecarError} `unknown_app`. */
  shared(app: string): SharedApp {
    const shared = this.#apps.get(app)
    if (!shared) throw new SidecarError('unknown_app', `No app named "${app}" is configured.`)
    return shared.app
  }

  all(): readonly SharedApp[] {
    return [...this.#apps.values()].map(({ app }) => app)
  }

  forget(app: string): void {
    this.#apps.delete(app)
  }

  /** Looks at nothing and publishes nothing from now on, until the next start. */
  leave(): void {
    this.keeper.left = true
  }

  /** Takes a `leave` back. */
  goOn(): void {
    this.keeper.left = false
  }

  /** Notes that this process runs; called often, and waits for nothing. */
  look(): void {
    this.keeper.confirmation.look()
  }

  /** Writes the beat, if it is due: whatever else takes its time. */
  async beat(): Promise<void> {
    const copies = this.keeper.copies()
    if (copies && !this.keeper.left) await this.keeper.beat.beatIfDue(copies.kids())
  }

  /** Everything else that is due now. */
  async tick(): Promise<void> {
    const { keeper } = this
    const copies = keeper.copies()
    if (!copies || this.keeper.left) return
    if (!keeper.isConfirmed() && !keeper.beat.halted) await this.#confirm(copies)
    await this.#poll()
    await this.#grantRenewals()
  }

  async stop(): Promise<void> {
    // Publishes what was stored during the stop: a keeper that takes over should find it.
    const published = Promise.all(this.all().map((app) => app.publish()))
    const { keeper } = this
    await waitAtMost(
      this.#deps.sleep,
      keeper.policy.questionMs,
      published.then(() => undefined),
    )
    await keeper.beat.leave()
    await keeper.store.close()
  }

  /** After its own beat: a row that is newer than the disk is dealt with first. */
  async #confirm(copies: RecordCopies): Promise<void> {
    const { keeper } = this
    const { beat, confirmation, store } = keeper
    // This process has to wait again where the database has lost its beats.
    if (!beat.hasWaited()) confirmation.drop()
    if (!beat.hasWaited() || store.hasTwoPrimaries()) return
    const { gaps } = confirmation
    if (!(await beat.beat(copies.kids())) || !beat.hasWaited()) return
    const heads = await keeper.note(store.heads())
    if (!heads || !confirmation.hasWatched(heads.incarnation)) return
    const rows = rowsByKey(heads.value)
    await forEachAtOnce(this.#apps.values(), LOOKS_AT_ONCE, ({ app }) =>
      this.#guard(app, () => app.look(rows(app.key))),
    )
    keeper.storeFrom(heads.now)
    if (!confirmation.confirm(gaps)) return
    this.#deps.log.info({}, 'this keeper is confirmed: it may renew the apps whose home it is')
    for (const name of this.#apps.keys()) this.#deps.onChange(name)
    this.#rows.lookSoon()
  }

  async #poll(): Promise<void> {
    const { keeper } = this
    const seen = await this.#rows.read(this.#apps, (asked) => keeper.note(asked))
    if (!seen) return
    for (const { one, head } of seen.value) one.app.see(head)
    // What has to be done about an app may take its time, and callers wait for copies.
    await this.#takeCopies(seen)
    await forEachAtOnce(seen.value, LOOKS_AT_ONCE, ({ one, head }) =>
      this.#guard(one.app, () => one.app.look(head)),
    )
    // What got no answer is tried again, though the rows did not change.
    const due = this.all().filter((app) => app.isDue())
    await forEachAtOnce(due.slice(0, DUE_AT_ONCE), LOOKS_AT_ONCE, (app) =>
      this.#guard(app, () => app.look(app.row)),
    )
    await this.#takeCopies(seen)
  }

  /** For the apps whose home is elsewhere. */
  async #takeCopies(seen: DatabaseAnswer<readonly Seen<KeeperApp>[]>): Promise<void> {
    const value = seen.value.filter(({ one }) => one.app.isElsewhere())
    for (const { one, head } of value) {
      one.remote.reconfigure(one.app.state.app)
      one.remote.home = this.keeper.nameOf(head?.home)
    }
    const { store } = this.keeper
    if (!(await takeCopies({ ...seen, value }, store, this.keeper.copies()))) this.#rows.lookSoon()
  }

  /** Begins the renewals that daemons with copies ask their homes for. */
  async #grantRenewals(): Promise<void> {
    const { keeper } = this
    if (!keeper.isConfirmed() || this.all().every((app) => app.isElsewhere())) return
    const requests = await keeper.note(keeper.store.renewalRequests())
    for (const request of requests?.value ?? []) {
      const app = this.#apps.get(request.app)?.app
      const managed = this.#managed(request.app)
      if (!managed || app?.key.identityDigest !== request.identityDigest || app.isElsewhere())
        continue
      grantRenewal(managed, request, keeper.databaseClock())
      // A reader may have locked the row that it wrote: nothing waits for that.
      keeper.store.deleteRenewalRequest(request).catch(() => undefined)
    }
  }

  async #guard({ key }: SharedApp, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.log.error({ app: key.app, err: error }, 'keeping the row of an app failed')
    }
  }
}
