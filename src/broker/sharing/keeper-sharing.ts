/**
 * A keeper among others: it writes its beat, looks at what the others wrote, and keeps the rows of its
 * apps. One tick does all of that, one after another; a tick that fails is repeated by the next.
 */
import type { Clock, Log } from '../../core/ports.ts'
import type { Words } from '../../core/problem.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type {
  Answer,
  AppKey,
  Asked,
  CopiedRow,
  KeeperRow,
  RowHead,
  SharedStore,
  Wanted,
} from '../../core/sharing/shared-store.ts'
import type { Instant } from '../../core/token.ts'
import type { RecordCopies, Sharing } from '../../core/vault.ts'
import { SidecarError } from '../../errors.ts'
import type { AppHome } from '../app-home.ts'
import type { AppState } from '../app-state.ts'
import type { ManagedApp } from '../managed-app.ts'
import type { Sleep } from '../wait-at-most.ts'
import { copyOf } from './copy.ts'
import { Confirmation, type WatchedDatabases } from './confirmation.ts'
import { keyOf } from './key-of.ts'
import type { Keeper } from './keeper.ts'
import { RemoteApp, type Wish } from './remote-app.ts'
import { SharedApp } from './shared-app.ts'

export interface KeeperSharingDeps {
  readonly clock: Clock
  readonly sleep: Sleep
  readonly log: Log
  readonly store: SharedStore
  readonly policy: SharingPolicy
  readonly watched: WatchedDatabases
  /** This daemon; its keys are those of the vault. */
  readonly self: Omit<KeeperRow, 'beatAt' | 'kids'>
  /** Whether the process that `instance` names was one of this state directory, and is gone. */
  readonly isGone: (instance: string) => boolean
  readonly onChange: (app: string) => void
}

interface Shared {
  readonly app: SharedApp
  readonly remote: RemoteApp
  /** Of the row whose copy `remote` has. */
  copied: string | undefined
}

export class KeeperSharing implements Keeper {
  readonly identity: Pick<KeeperRow, 'id' | 'instance'>
  readonly id: string
  readonly clock: Clock
  readonly store: SharedStore
  readonly policy: SharingPolicy
  readonly #deps: KeeperSharingDeps
  readonly #apps = new Map<string, Shared>()
  readonly #confirmation: Confirmation
  #managed: (app: string) => ManagedApp | undefined = () => undefined
  #copies: RecordCopies | undefined
  #keepers: readonly KeeperRow[] = []
  #database: Answer<unknown> | undefined
  #claim: { readonly waitUntil: number } | undefined
  /** Another process writes beats under the id of this one. */
  #halted = false
  #left = false
  #beatAt = -Infinity
  #wholeAt = -Infinity
  #changedSince: Instant | undefined
  #incarnation: string | undefined

  constructor(deps: KeeperSharingDeps) {
    this.#deps = deps
    this.clock = deps.clock
    this.store = deps.store
    this.policy = deps.policy
    this.identity = deps.self
    this.id = deps.self.id
    this.#confirmation = new Confirmation(deps.clock, deps.policy, deps.watched)
  }

  /** Once the vault is open. */
  useCopies(copies: RecordCopies, managed: (app: string) => ManagedApp | undefined): void {
    this.#copies = copies
    this.#managed = managed
  }

  homeOf(state: AppState): AppHome {
    const { app } = state
    const shared = new SharedApp(state, keyOf(app), this)
    const remote = new RemoteApp(app, {
      ...this.#deps,
      wish: (name, wish) => {
        this.#wish(name, wish)
      },
    })
    this.#apps.set(app.name, { app: shared, remote, copied: undefined })
    // What it has to do is in the rows that were read before it was here.
    this.lookSoon()
    return shared
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
    return this.#keepers
  }

  copies(): RecordCopies | undefined {
    return this.#copies
  }

  isConfirmed(): boolean {
    return !this.#halted && this.#confirmation.holds()
  }

  mayPublish(): boolean {
    return this.#confirmation.holds()
  }

  whyNotConfirmed(): Words | undefined {
    if (this.#halted) return HALTED
    if (this.isConfirmed()) return undefined
    const fault = this.store.fault()
    if (fault) return { message: fault.message, hint: SHARE_STATUS }
    if (this.store.hasTwoPrimaries()) return TWO_PRIMARIES
    return { message: 'The database is being watched first.', hint: SHARE_STATUS }
  }

  refuseChangeOfHome(): SidecarError | undefined {
    const words = this.store.hasTwoPrimaries() ? TWO_PRIMARIES : this.whyNotConfirmed()
    return words && new SidecarError('unavailable', words.message, { hint: words.hint })
  }

  nextNumber(row: Pick<RowHead, 'number'> | undefined, sharing: Sharing | undefined): number {
    const database = Math.floor(this.#database?.now ?? 0)
    return Math.max((row?.number ?? 0) + 1, (sharing?.number ?? 0) + 1, database)
  }

  databaseClock(): Answer<unknown> | undefined {
    return this.#database
  }

  nameOf(id: string | null | undefined): string {
    return this.#keepers.find((keeper) => keeper.id === id)?.name ?? 'another keeper'
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

  /** Notes that this process runs; called often, and waits for nothing. */
  look(): void {
    this.#confirmation.look()
  }

  /** Everything that is due now. */
  async tick(): Promise<void> {
    if (!this.#copies || this.#left) return
    const { mono } = this.clock.read()
    if (mono - this.#beatAt >= this.policy.beatMs) await this.#beat(mono)
    if (!this.isConfirmed() && !this.#halted) await this.#confirm()
    await this.#poll(mono)
    await this.#grantWishes()
  }

  async stop(): Promise<void> {
    if (this.#claim && !this.#halted) await this.#note(this.store.leave(this.identity))
    await this.store.close()
  }

  async #beat(mono: number): Promise<void> {
    const kids = this.#copies?.kids() ?? []
    const self = { ...this.#deps.self, kids }
    if (!this.#claim) {
      const keepers = await this.#note(this.store.keepers())
      if (!keepers) return
      this.#keepers = keepers.value
      const before = keepers.value.find(({ id }) => id === this.id)
      const isYoung = before !== undefined && keepers.now - before.beatAt < this.policy.silentMs
      const mayLive = isYoung && !this.#deps.isGone(before.instance)
      if (!(await this.#note(this.store.claim(self)))) return
      this.#claim = { waitUntil: mayLive ? mono + this.policy.cloneMs : mono }
      if (mayLive) this.#deps.log.warn({}, WAITS_FOR_ANOTHER)
    } else {
      const beaten = await this.#note(this.store.beat(self))
      if (!beaten) return
      if (beaten.value === this.#halted) {
        this.#halted = !beaten.value
        if (this.#halted) this.#deps.log.error({}, HALTED.message)
      }
      const keepers = await this.#note(this.store.keepers())
      if (keepers) this.#keepers = keepers.value
    }
    this.#beatAt = mono
  }

  /** After its own beat: no row may be above what is on the disk, or that is put right first. */
  async #confirm(): Promise<void> {
    const { mono } = this.clock.read()
    if (!this.#claim || mono < this.#claim.waitUntil || this.store.hasTwoPrimaries()) return
    const beaten = await this.#note(this.store.beat({ ...this.#deps.self, kids: this.#kids() }))
    if (!beaten?.value) return
    const heads = await this.#note(this.store.heads())
    if (!heads || !this.#confirmation.hasWatched(heads.incarnation)) return
    const rows = byName(heads.value)
    for (const [name, { app }] of this.#apps) {
      await this.#guard(name, () => app.look(ofKey(rows, app.key)))
    }
    this.#confirmation.confirm()
    this.#deps.log.info({}, 'this keeper is confirmed: it may renew the apps whose home it is')
    for (const name of this.#apps.keys()) this.#deps.onChange(name)
    this.lookSoon()
  }

  #kids(): readonly string[] {
    return this.#copies?.kids() ?? []
  }

  async #poll(mono: number): Promise<void> {
    const isWhole = mono - this.#wholeAt >= this.policy.wholeMs
    const since = isWhole ? undefined : this.#changedSince
    const changed = await this.#note(this.store.changed(since))
    if (!changed) return
    if (isWhole) this.#wholeAt = mono
    this.#changedSince = changed.now - this.policy.overlapMs
    const rows = byName(changed.value)
    for (const [name, shared] of this.#apps) {
      const row = ofKey(rows, shared.app.key)
      if (row ?? isWhole) await this.#guard(name, () => this.#see(shared, row, changed))
    }
  }

  async #see(
    shared: Shared,
    row: CopiedRow | undefined,
    at: Answer<unknown>,
  ): Promise<void> {
    const { app, remote } = shared
    await app.look(row)
    if (!app.isElsewhere()) return
    remote.reconfigure(app.state.app)
    remote.home = this.nameOf(row?.home)
    if (row && row.revision === shared.copied) return
    remote.update(await copyOf(row, at, this.#copies))
    shared.copied = row?.revision
  }

  /** The homes do what those wish that have a copy only, within the limits that callers share. */
  async #grantWishes(): Promise<void> {
    if (![...this.#apps.values()].some(({ app }) => !app.isElsewhere())) return
    const wanted = await this.#note(this.store.wanted())
    for (const wish of wanted?.value ?? []) {
      const shared = this.#apps.get(wish.app)
      if (!shared || shared.app.key.identityDigest !== wish.identityDigest) continue
      if (shared.app.isElsewhere() || !this.isConfirmed()) continue
      this.#grant(wish)
      await this.store.fulfil(wish)
    }
  }

  #grant({ app, rejectedSha256, until }: Wanted): void {
    const managed = this.#managed(app)
    if (!managed) return
    const database = this.#database
    const minTtlMs = until !== null && database ? Math.max(0, until - database.now) : 0
    const asked =
      rejectedSha256 === null
        ? Promise.resolve().then(() => managed.token({ minTtlMs, waitMs: 0 }))
        : managed.refresh({ rejectedSha256 })
    // Why there is none stands in the app's status.
    asked.catch(() => undefined)
  }

  #wish(app: string, { rejectedSha256, minTtlMs }: Wish): void {
    const shared = this.#apps.get(app)
    if (!shared) return
    const until = minTtlMs !== undefined && this.#database ? this.#database.now + minTtlMs : null
    const wanted = { ...shared.app.key, rejectedSha256: rejectedSha256 ?? null, until }
    this.store.want(wanted).then(
      () => {
        this.announce()
      },
      (error: unknown) => {
        this.#deps.log.error({ app, err: error }, 'a wish could not be handed on')
      },
    )
  }

  /** Keeps what each answer tells of the database. */
  async #note<T>(asked: Asked<T>): Promise<Answer<T> | undefined> {
    const answer = await asked
    if (!answer) return undefined
    this.#database = answer
    if (this.#incarnation !== undefined && this.#incarnation !== answer.incarnation) this.lookSoon()
    this.#incarnation = answer.incarnation
    this.#confirmation.hasWatched(answer.incarnation)
    return answer
  }

  async #guard(app: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.log.error({ app, err: error }, 'keeping the row of an app failed')
    }
  }
}

const SHARE_STATUS = 'It goes on by itself; `evo-token share status` says how the database is.'

const HALTED: Words = {
  message: 'Another process runs under the id of this keeper: its state directory was copied.',
  hint: 'Stop one of the two; give the copy a state directory of its own.',
}

const TWO_PRIMARIES: Words = {
  message: 'More than one database of "share.hosts" takes writes.',
  hint: 'Stop the one that is not the primary any more; `evo-token share status` names them.',
}

const WAITS_FOR_ANOTHER =
  'another process may still use the sessions under the id of this keeper: they are not renewed until that is over'

function byName<Row extends AppKey>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [`${row.app} ${row.identityDigest}`, row]))
}

function ofKey<Row>(rows: ReadonlyMap<string, Row>, { app, identityDigest }: AppKey) {
  return rows.get(`${app} ${identityDigest}`)
}
