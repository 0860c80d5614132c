/**
 * A keeper among others: it writes its beat, looks at what the others wrote, and keeps the rows of its
 * apps. One tick does all of that, one after another; what fails is repeated by the next.
 */
import type { Words } from '../../core/problem.ts'
import type { App } from '../../core/app.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  Answer,
  AppKey,
  Asked,
  CopiedRow,
  KeeperRow,
  RowHead,
  SharedStore,
} from '../../core/sharing/shared-store.ts'
import type { Clock } from '../../core/ports.ts'
import type { Instant } from '../../core/token.ts'
import type { RecordCopies, Sharing } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import type { AppHome } from '../app-home.ts'
import type { AppState } from '../app-state.ts'
import type { ManagedApp } from '../managed-app.ts'
import { Confirmation, type WatchedDatabases } from './confirmation.ts'
import { Copy } from './copy.ts'
import { databaseFaultWords, HALTED, TWO_PRIMARIES, WAITS, WATCHED } from './home-words.ts'
import type { Keeper } from './keeper.ts'
import { KeeperBeat, type KeeperBeatDeps } from './keeper-beat.ts'
import { RemoteApp, type RemoteAppDeps } from './remote-app.ts'
import { rowsByKey } from './rows-by-key.ts'
import { SharedApp } from './shared-app.ts'
import { grant, handOn } from './wishes.ts'
import { waitAtMost } from '../wait-at-most.ts'

export interface KeeperSharingDeps extends KeeperBeatDeps, Omit<RemoteAppDeps, 'wish'> {
  readonly store: SharedStore
  readonly policy: SharingPolicy
  readonly watched: WatchedDatabases
  /** What the app is among all keepers. */
  readonly keyOf: (app: App) => AppKey
}

interface Shared {
  readonly app: SharedApp
  readonly remote: RemoteApp
  readonly copy: Copy
}

export class KeeperSharing implements Keeper {
  readonly id: string
  readonly identity: Pick<KeeperRow, 'id' | 'instance'>
  readonly clock: Clock
  readonly store: SharedStore
  readonly policy: SharingPolicy
  readonly #deps: KeeperSharingDeps
  readonly #apps = new Map<string, Shared>()
  readonly #confirmation: Confirmation
  readonly #beat: KeeperBeat
  #managed: (app: string) => ManagedApp | undefined = () => undefined
  #copies: RecordCopies | undefined
  #database: Answer<unknown> | undefined
  #left = false
  #wholeAt = -Infinity
  #changedSince: Instant | undefined

  constructor(deps: KeeperSharingDeps) {
    const { clock, store, policy, self, watched } = deps
    this.#deps = deps
    this.clock = clock
    this.store = store
    this.policy = policy
    this.identity = self
    this.id = self.id
    this.#confirmation = new Confirmation(clock, policy, watched)
    this.#beat = new KeeperBeat(deps, (asked) => this.#note(asked))
  }

  /** Once the vault is open. */
  useCopies(copies: RecordCopies, managed: (app: string) => ManagedApp | undefined): void {
    this.#copies = copies
    this.#managed = managed
  }

  homeOf(state: AppState): AppHome {
    const key = this.#deps.keyOf(state.app)
    const app = new SharedApp(state, key, this)
    const remote = new RemoteApp(state.app, {
      ...this.#deps,
      wish: (wish) => {
        handOn(this.#deps, key, wish, this.#database)
      },
    })
    this.#apps.set(key.app, { app, remote, copy: new Copy(remote) })
    // What it has to do is in rows that were read before it was here.
    this.lookSoon()
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

  get keepers(): readonly KeeperRow[] {
    return this.#beat.keepers
  }

  copies(): RecordCopies | undefined {
    return this.#copies
  }

  isConfirmed(): boolean {
    return !this.#beat.halted && this.#confirmation.holds()
  }

  mayPublish(): boolean {
    return this.#confirmation.holds()
  }

  homesMayChange(): boolean {
    return !this.#beat.halted && !this.store.hasTwoPrimaries()
  }

  isAlive(id: string): boolean {
    const keeper = this.keepers.find((one) => one.id === id)
    const now = this.#database?.now ?? Infinity
    return keeper !== undefined && now - keeper.beatAt < this.policy.silentMs
  }

  whyNotConfirmed(): Words | undefined {
    if (this.#beat.halted) return HALTED
    if (this.isConfirmed()) return undefined
    const fault = this.store.fault()
    if (fault) return databaseFaultWords(fault)
    if (this.store.hasTwoPrimaries()) return TWO_PRIMARIES
    return this.#beat.hasWaited() ? WATCHED : WAITS
  }

  refuseChangeOfHome(): SidecarError | undefined {
    // One that was just started may have lost what its homes have yet to publish again.
    const { incarnation } = this.#database ?? {}
    const isKnown = incarnation !== undefined && this.#confirmation.hasWatched(incarnation)
    const words = this.store.hasTwoPrimaries()
      ? TWO_PRIMARIES
      : (this.whyNotConfirmed() ?? (isKnown ? undefined : WATCHED))
    return words && new SidecarError('unavailable', words.message, { hint: words.hint })
  }

  async within<T>(asked: Asked<T>): Asked<T> {
    let answer: Answer<T> | undefined
    const arrived = asked.then((came) => {
      answer = came
    })
    await waitAtMost(this.#deps.sleep, this.policy.questionMs, arrived)
    return answer
  }

  nextNumber(row: Pick<RowHead, 'number'> | undefined, sharing: Sharing | undefined): number {
    const database = Math.floor(this.#database?.now ?? 0)
    return Math.max((row?.number ?? 0) + 1, (sharing?.number ?? 0) + 1, database)
  }

  databaseClock(): Answer<unknown> | undefined {
    return this.#database
  }

  nameOf(id: string | null | undefined): string {
    return this.keepers.find((keeper) => keeper.id === id)?.name ?? id ?? 'another keeper'
  }

  announce(): void {
    this.store.announce()
  }

  lookSoon(): void {
    this.#wholeAt = -Infinity
  }

  /** Looks at nothing and publishes nothing from now on, until the next start. */
  leave(): void {
    this.#left = true
  }

  /** Takes a `leave` back. */
  goOn(): void {
    this.#left = false
  }

  /** Notes that this process runs; called often, and waits for nothing. */
  look(): void {
    this.#confirmation.look()
  }

  /** Writes the beat, if it is due: whatever else takes its time. */
  async beat(): Promise<void> {
    if (this.#copies && !this.#left) await this.#beat.beatIfDue(this.#copies.kids())
  }

  /** Everything else that is due now. */
  async tick(): Promise<void> {
    if (!this.#copies || this.#left) return
    if (!this.isConfirmed() && !this.#beat.halted) await this.#confirm(this.#copies)
    await this.#poll()
    await this.#grantWishes()
  }

  async stop(): Promise<void> {
    // What came in while it stopped: who takes over should find it.
    const published = Promise.all(this.all().map((app) => app.publish()))
    await waitAtMost(
      this.#deps.sleep,
      this.policy.questionMs,
      published.then(() => undefined),
    )
    await this.#beat.leave()
    await this.store.close()
  }

  /** After its own beat: no row may be above what is on the disk, or that is put right first. */
  async #confirm(copies: RecordCopies): Promise<void> {
    if (!this.#beat.hasWaited() || this.store.hasTwoPrimaries()) return
    const { gaps } = this.#confirmation
    if (!(await this.#beat.beat(copies.kids()))) return
    const heads = await this.#note(this.store.heads())
    if (!heads || !this.#confirmation.hasWatched(heads.incarnation)) return
    const rows = rowsByKey(heads.value)
    for (const { app } of this.#apps.values()) {
      await this.#guard(app, () => app.look(rows(app.key)))
    }
    if (!this.#confirmation.confirm(gaps)) return
    this.#deps.log.info({}, 'this keeper is confirmed: it may renew the apps whose home it is')
    for (const name of this.#apps.keys()) this.#deps.onChange(name)
    this.lookSoon()
  }

  async #poll(): Promise<void> {
    const { mono } = this.clock.read()
    const isWhole = mono - this.#wholeAt >= this.policy.wholeMs
    const before = this.#wholeAt
    if (isWhole) this.#wholeAt = mono
    const changed = await this.#note(this.store.changed(isWhole ? undefined : this.#changedSince))
    if (!changed) {
      this.#wholeAt = before
      return
    }
    this.#changedSince = changed.now - this.policy.overlapMs
    const rows = rowsByKey(changed.value)
    for (const shared of this.#apps.values()) {
      const row = rows(shared.app.key)
      if (row ?? isWhole) await this.#guard(shared.app, () => this.#see(shared, row, changed))
    }
  }

  async #see(shared: Shared, row: CopiedRow | undefined, at: Answer<unknown>): Promise<void> {
    const { app, remote } = shared
    await app.look(row)
    if (!app.isElsewhere()) return
    remote.reconfigure(app.state.app)
    remote.home = this.nameOf(row?.home)
    await shared.copy.take(row, at, this.#copies)
  }

  /** The homes do what those wish who have a copy only. */
  async #grantWishes(): Promise<void> {
    if (!this.isConfirmed() || this.all().every((app) => app.isElsewhere())) return
    const wanted = await this.#note(this.store.wanted())
    for (const wish of wanted?.value ?? []) {
      const app = this.#apps.get(wish.app)?.app
      const managed = this.#managed(wish.app)
      if (!managed || app?.key.identityDigest !== wish.identityDigest || app.isElsewhere()) continue
      grant(managed, wish, this.#database)
      // A reader may hold the row that it wrote: nothing waits for that.
      this.store.fulfil(wish).catch(() => undefined)
    }
  }

  /** Keeps what each answer tells of the database. */
  async #note<T>(asked: Asked<T>): Promise<Answer<T> | undefined> {
    const answer = await asked
    if (!answer) return undefined
    const before = this.#database?.incarnation ?? answer.incarnation
    this.#database = answer
    // Another database process: it may have lost what was published.
    if (before !== answer.incarnation) this.lookSoon()
    this.#confirmation.hasWatched(answer.incarnation)
    return answer
  }

  async #guard({ key }: SharedApp, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.log.error({ app: key.app, err: error }, 'keeping the row of an app failed')
    }
  }
}
