/** A reader: its apps are served from the copies that their homes publish. It holds nothing else. */
import type { App } from '../../core/app.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type { Answer, AppKey, CopiedRow, SharedStore } from '../../core/sharing/shared-store.ts'
import type { Instant } from '../../core/token.ts'
import type { RecordCopies } from '../../core/vault.ts'
import type { Sleep } from '../wait-at-most.ts'
import { Copy } from './copy.ts'
import { RemoteApp } from './remote-app.ts'
import { rowsByKey } from './rows-by-key.ts'
import { handOn } from './wishes.ts'

export interface ReaderSharingDeps {
  readonly clock: Clock
  readonly sleep: Sleep
  readonly log: Log
  readonly store: SharedStore
  readonly policy: SharingPolicy
  /** Reads the keys of its file. @throws {SidecarError} `config`. */
  readonly readKeys: () => Promise<Pick<RecordCopies, 'openAccess'>>
  readonly onChange: (app: string) => void
  /** What the app is among all keepers. */
  readonly keyOf: (app: App) => AppKey
}

interface Read {
  readonly remote: RemoteApp
  readonly copy: Copy
}

export class ReaderSharing {
  readonly #deps: ReaderSharingDeps
  readonly #apps = new Map<string, Read>()
  #keys: Pick<RecordCopies, 'openAccess'> | undefined
  #wholeAt = -Infinity
  #changedSince: Instant | undefined
  #database: Answer<unknown> | undefined

  constructor(deps: ReaderSharingDeps) {
    this.#deps = deps
  }

  /** The apps of the config; what is known of those that stay is kept. */
  configure(apps: readonly App[]): void {
    const names = new Set(apps.map(({ name }) => name))
    for (const name of this.#apps.keys()) if (!names.has(name)) this.#apps.delete(name)
    for (const app of apps) {
      const known = this.#apps.get(app.name)
      if (known && this.#isSame(known.remote.app, app)) known.remote.reconfigure(app)
      else this.#add(app)
    }
    this.#wholeAt = -Infinity
  }

  /** @throws {SidecarError} `config` where they cannot be read: those from before are kept. */
  async loadKeys(): Promise<void> {
    this.#keys = await this.#deps.readKeys()
    this.lookSoon()
  }

  names(): readonly string[] {
    return [...this.#apps.keys()]
  }

  find(app: string): RemoteApp | undefined {
    return this.#apps.get(app)?.remote
  }

  lookSoon(): void {
    this.#wholeAt = -Infinity
  }

  async tick(): Promise<void> {
    const { store, policy, clock } = this.#deps
    const { mono } = clock.read()
    const isWhole = mono - this.#wholeAt >= policy.wholeMs
    const changed = await store.changed(isWhole ? undefined : this.#changedSince)
    if (!changed) return
    this.#database = changed
    if (isWhole) this.#wholeAt = mono
    this.#changedSince = changed.now - policy.overlapMs
    const rows = rowsByKey(changed.value)
    for (const read of this.#apps.values()) {
      const row = rows(this.#deps.keyOf(read.remote.app))
      if (row ?? isWhole) await this.#see(read, row, changed)
    }
  }

  async #see(read: Read, row: CopiedRow | undefined, at: Answer<unknown>): Promise<void> {
    await read.copy.take(row, at, this.#keys)
  }

  #add(app: App): void {
    const remote = new RemoteApp(app, {
      ...this.#deps,
      wish: (wish) => {
        handOn(this.#deps, this.#deps.keyOf(app), wish, this.#database)
      },
    })
    this.#apps.set(app.name, { remote, copy: new Copy(remote) })
  }

  #isSame(one: App, other: App): boolean {
    const { keyOf } = this.#deps
    return keyOf(one).identityDigest === keyOf(other).identityDigest
  }
}
