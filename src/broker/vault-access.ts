/** The vault, open or not: a locked one is tried again, less and less often, and logged once. */
import type { Clock, Log } from '../core/ports.ts'
import type { LockedVault, OpenedVault, Vault } from '../core/vault.ts'
import type { KeySource } from '../core/vault-key-source.ts'
import { SidecarError } from '../errors.ts'
import { Retries } from './retries.ts'
import type { NotRestored } from './status-of.ts'

export interface VaultAccessDeps {
  readonly openVault: () => Promise<OpenedVault>
  readonly clock: Clock
  readonly log: Log
}

export class VaultAccess {
  readonly #deps: VaultAccessDeps
  #vault: Vault | undefined
  #reason: Omit<LockedVault, 'kind'> = VAULT_STARTING
  readonly #retries = new Retries()

  constructor(deps: VaultAccessDeps) {
    this.#deps = deps
  }

  get vault(): Vault | undefined {
    return this.#vault
  }

  /** Why it is not open, and what can be done about it. */
  get notOpen(): NotRestored {
    const { failure, hint } = this.#reason
    return { case: 'vault_locked', failure, hint, attempts: this.#retries.attempts }
  }

  /** Where the vault's key is; undefined while that is not known. */
  get keySource(): KeySource | undefined {
    return this.#vault ? this.#vault.keys.source() : this.#reason.keySource
  }

  /** For the owner's commands. @throws {SidecarError} `vault_locked`, in the words for the owner. */
  requireOpen(): Vault {
    if (this.#vault) return this.#vault
    const { failure, hint } = this.#reason
    throw new SidecarError('vault_locked', failure.message, { hint })
  }

  isRetryDue(mono: number): boolean {
    return this.#retries.isDue(mono)
  }

  async open(): Promise<Vault | undefined> {
    const { openVault, clock, log } = this.#deps
    const opened = await openVault()
    if (opened.kind === 'open') {
      if (this.#retries.attempts > 0) log.info({}, 'the vault is open')
      this.#vault = opened
      return this.#vault
    }
    const { failure, hint, keySource } = opened
    if (this.#reason.failure.message !== failure.message) {
      log.warn({ error: failure.code, hint }, failure.message)
    }
    this.#reason = { failure, hint, keySource }
    this.#retries.count(clock.read().mono)
    return undefined
  }
}

const VAULT_STARTING = {
  failure: { code: 'vault_locked', message: 'The vault is being opened.' },
  hint: 'Try again shortly.',
}
