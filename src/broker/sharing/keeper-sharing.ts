/**
 * A keeper among others: it writes its beat, looks at what the others wrote, and keeps the rows of its
 * apps. One tick does all of that, one after another; what fails is repeated by the next.
 */
import type { App } from '../../core/app.ts'
import type { Answer, AppKey, CopiedRow } from '../../core/sharing/shared-store.ts'
import type { RecordCopies } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import type { AppHome } from '../app-home.ts'
import type { AppState } from '../app-state.ts'
import { forEachAtOnce } from '../at-once.ts'
import type { ManagedApp } from '../managed-app.ts'
import { waitAtMost } from '../wait-at-most.ts'
import { ChangedRows } from './changed-rows.ts'
import { Copy } from './copy.ts'
import { RemoteApp, type RemoteAppDeps } from './remote-app.ts'
import { rowsByKey } from './rows-by-key.ts'
import { SharedApp } from './shared-app.ts'
import { ThisKeeper, type ThisKeeperDeps } from './this-keeper.ts'
import { grant, handOn } from './wishes.ts'

export interface KeeperSharingDeps
  extends Omit<ThisKeeperDeps, 'lookSoon'>, Omit<RemoteAppDeps, 'wish'> {
  /** What the app is among all keepers. */
  readonly keyOf: (app: App) => AppKey
}

/** Of the database's connections one is left for beats and last questions. */
const LOOKS_AT_ONCE = 3

interface Shared {
  readonly app: SharedApp
  readonly remote: RemoteApp
  readonly copy: Copy
}

export class KeeperSharing {
  readonly keeper: ThisKeeper
  readonly #deps: KeeperSharingDeps
  readonly #apps = new Map<string, Shared>()
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
      wish: (wish) => {
        handOn(this.#deps, key, wish, this.keeper.databaseClock())
      },
    })
    this.#apps.set(key.app, { app, remote, copy: new Copy(remote) })
    // What it has to do is in rows that were read before it was here.
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
    await this.#grantWishes()
  }

  async stop(): Promise<void> {
    // What came in while it stopped: who takes over should find it.
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

  /** After its own beat: no row may be above what is on the disk, or that is put right first. */
  async #confirm(copies: RecordCopies): Promise<void> {
    const { keeper } = this
    const { beat, confirmation, store } = keeper
    if (!beat.hasWaited() || store.hasTwoPrimaries()) return
    const { gaps } = confirmation
    if (!(await beat.beat(copies.kids()))) return
    const heads = await keeper.note(store.heads())
    if (!heads || !confirmation.hasWatched(heads.incarnation)) return
    const rows = rowsByKey(heads.value)
    await forEachAtOnce(this.#apps.values(), LOOKS_AT_ONCE, ({ app }) =>
      this.#guard(app, () => app.look(rows(app.key))),
    )
    if (!confirmation.confirm(gaps)) return
    this.#deps.log.info({}, 'this keeper is confirmed: it may renew the apps whose home it is')
    for (const name of this.#apps.keys()) this.#deps.onChange(name)
    this.#rows.lookSoon()
  }

  async #poll(): Promise<void> {
    const changes = await this.#rows.read((asked) => this.keeper.note(asked))
    if (!changes) return
    await forEachAtOnce(this.#apps.values(), LOOKS_AT_ONCE, async (shared) => {
      const row = changes.rowOf(shared.app.key)
      if (row ?? changes.isWhole) {
        await this.#guard(shared.app, () => this.#see(shared, row, changes.at))
      }
    })
  }

  async #see(shared: Shared, row: CopiedRow | undefined, at: Answer<unknown>): Promise<void> {
    const { app, remote } = shared
    await app.look(row)
    if (!app.isElsewhere()) return
    remote.reconfigure(app.state.app)
    remote.home = this.keeper.nameOf(row?.home)
    await shared.copy.take(row, at, this.keeper.copies())
  }

  /** The homes do what those wish who have a copy only. */
  async #grantWishes(): Promise<void> {
    const { keeper } = this
    if (!keeper.isConfirmed() || this.all().every((app) => app.isElsewhere())) return
    const wanted = await keeper.note(keeper.store.wanted())
    for (const wish of wanted?.value ?? []) {
      const app = this.#apps.get(wish.app)?.app
      const managed = this.#managed(wish.app)
      if (!managed || app?.key.identityDigest !== wish.identityDigest || app.isElsewhere()) continue
      grant(managed, wish, keeper.databaseClock())
      // A reader may hold the row that it wrote: nothing waits for that.
      keeper.store.fulfil(wish).catch(() => undefined)
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
