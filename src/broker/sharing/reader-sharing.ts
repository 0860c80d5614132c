/** A reader: its apps are served from the copies that their homes publish. It holds nothing else. */
import type { App } from '../../core/app.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type { Answer, AppKey, SharedStore } from '../../core/sharing/shared-store.ts'
import type { RecordCopies } from '../../core/vault.ts'
import type { Sleep } from '../wait-at-most.ts'
import { ChangedRows } from './changed-rows.ts'
import { Copy } from './copy.ts'
import { RemoteApp } from './remote-app.ts'
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
  readonly #rows: ChangedRows
  #database: Answer<unknown> | undefined

  constructor(deps: ReaderSharingDeps) {
    this.#deps = deps
    this.#rows = new ChangedRows(deps)
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
    this.lookSoon()
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
    this.#rows.lookSoon()
  }

  async tick(): Promise<void> {
    const changes = await this.#rows.read((asked) => asked)
    if (!changes) return
    this.#database = changes.at
    for (const { remote, copy } of this.#apps.values()) {
      const row = changes.rowOf(this.#deps.keyOf(remote.app))
      if (row ?? changes.isWhole) await copy.take(row, changes.at, this.#keys)
    }
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
