/** The vault while it is open: its records, and its key. */
import type { AppRecord, LoadedRecord, StoreResult, Vault, VaultEntry } from '../../core/ports.ts'
import { KeyChanges, type KeyChangesDeps } from './vault-key-changes.ts'
import type { KeyRing } from './key-ring.ts'
import { Turns } from './turns.ts'
import type { VaultHeader } from './vault-header.ts'
import { VaultRecords } from './vault-records.ts'
import type { InQueue } from './vault-reencryption.ts'

export type OpenVaultDeps = Omit<KeyChangesDeps, 'turns'>

export class OpenVault implements Vault {
  readonly #records: VaultRecords
  readonly #keys: KeyChanges

  constructor(deps: OpenVaultDeps, header: VaultHeader, ring: KeyRing) {
    const { dir, log, onStep } = deps
    const turns = new Turns()
    const keys = new KeyChanges({ ...deps, turns }, header, ring)
    const beforeWrite = () => keys.raiseFormat()
    this.#records = new VaultRecords({
      dir,
      log,
      turns,
      onStep,
      beforeWrite,
      ring: () => keys.ring,
    })
    this.#keys = keys
  }

  load(apps: readonly VaultEntry[]): Promise<ReadonlyMap<string, LoadedRecord>> {
    return this.#records.load(apps)
  }

  reserve(app: string, record: AppRecord): Promise<StoreResult> {
    return this.#records.reserve(app, record)
  }

  store(app: string, record: AppRecord): Promise<StoreResult> {
    return this.#records.store(app, record)
  }

  release(app: string): Promise<void> {
    return this.#records.release(app)
  }

  remove(app: string): Promise<StoreResult> {
    return this.#records.remove(app)
  }

  isNewer(entry: VaultEntry): Promise<boolean> {
    return this.#records.isNewer(entry)
  }

  rotateKey(inQueue: InQueue): Promise<void> {
    return this.#keys.rotate(inQueue)
  }

  moveKey(to: 'keychain' | 'file'): Promise<void> {
    return this.#keys.move(to)
  }

  keyDigests(): readonly string[] {
    return this.#keys.ring.map(({ secret }) => secret.sha256)
  }

  /** Takes up what a stop interrupted, and a newer key that somebody put on top of the others. */
  finish(newestKid: string): Promise<void> {
    return this.#keys.finish(newestKid)
  }
}
