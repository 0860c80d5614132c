/** A reader: its apps are served from the copies that their homes publish. It holds nothing else. */
import type { App } from '../../core/app.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { SharingPolicy } from '../../core/sharing/policy.ts'
import type { DatabaseAnswer, AppKey, SharedStore } from '../../core/sharing/shared-store.ts'
import type { RecordCopies } from '../../core/vault.ts'
import type { Sleep } from '../wait-at-most.ts'
import { ChangedRows } from './changed-rows.ts'
import { Copy, takeCopies } from './copy.ts'
import { RemoteApp } from './remote-app.ts'
import { requestRenewal } from './renewal-requests.ts'

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

interface ReaderApp {
  readonly key: AppKey
  readonly remote: RemoteApp
  readonly copy: Copy
}

export class ReaderSharing {
  readonly #deps: ReaderSharingDeps
  readonly #apps = new Map<string, ReaderApp>()
  #keys: Pick<RecordCopies, 'openAccess'> | undefined
  readonly #rows: ChangedRows
  #database: DatabaseAnswer<unknown> | undefined

  constructor(deps: ReaderSharingDeps) {
    this.#deps = deps
    this.#rows = new ChangedRows(deps)
  }

  /** Takes the apps of the config; what is known about those that stay is kept. */
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

  /** @throws {SidecarError} `config` where the keys cannot be read: the earlier ones are kept. */
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
    const seen = await this.#rows.read(this.#apps, (asked) => asked)
    if (!seen) return
    this.#database = seen
    if (!(await takeCopies(seen, this.#deps.store, this.#keys))) this.lookSoon()
  }

  #add(app: App): void {
    const key = this.#deps.keyOf(app)
    const remote = new RemoteApp(app, {
      ...this.#deps,
      requestRenewal: (needs, over) => {
        requestRenewal(this.#deps, key, needs, this.#database, over)
      },
    })
    this.#apps.set(app.name, { key, remote, copy: new Copy(remote) })
  }

  #isSame(one: App, other: App): boolean {
    const { keyOf } = this.#deps
    return keyOf(one).identityDigest === keyOf(other).identityDigest
  }
}
