/** The vault, open or not: a locked one is tried again, less and less often, and logged once. */
import type { Clock, Failure, Log } from '../core/ports.ts'
import type { LockedVault, OpenedVault, Vault } from '../core/vault.ts'
import type { KeySource } from '../core/vault-key-source.ts'
import { SidecarError } from '../errors.ts'

const RETRY_MIN_MS = 5_000
const RETRY_MAX_MS = 60_000

export interface VaultAccessDeps {
  readonly openVault: () => Promise<OpenedVault>
  readonly clock: Clock
  readonly log: Log
}

export class VaultAccess {
  readonly #deps: VaultAccessDeps
  #vault: Vault | undefined
  #reason: Omit<LockedVault, 'kind'> = STARTING
  #attempts = 0
  #retryAt = -Infinity

  constructor(deps: VaultAccessDeps) {
    this.#deps = deps
  }

  get vault(): Vault | undefined {
    return this.#vault
  }

  /** Why it is not open. */
  get failure(): Failure {
    return this.#reason.failure
  }

  /** What can be done about it. */
  get hint(): string {
    return this.#reason.hint
  }

  get attempts(): number {
    return this.#attempts
  }

  /** Where the vault's key is; undefined while that is not known. */
  get keySource(): KeySource | undefined {
    return this.#vault ? this.#vault.keys.source() : this.#reason.keySource
  }

  /** For what only the owner may do. @throws {SidecarError} `vault_locked`, in the words for the owner. */
  requireOpen(): Vault {
    if (this.#vault) return this.#vault
    throw new SidecarError('vault_locked', this.#reason.failure.message, { hint: this.hint })
  }

  isRetryDue(mono: number): boolean {
    return mono >= this.#retryAt
  }

  async open(): Promise<Vault | undefined> {
    const { openVault, clock, log } = this.#deps
    const opened = await openVault()
    if (opened.kind === 'open') {
      if (this.#attempts > 0) log.info({}, 'the vault is open')
      this.#vault = opened
      return this.#vault
    }
    const { failure, hint, keySource } = opened
    if (this.#reason.failure.message !== failure.message) {
      log.warn({ error: failure.code, hint }, failure.message)
    }
    this.#reason = { failure, hint, keySource }
    this.#attempts += 1
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (this.#attempts - 1))
    this.#retryAt = clock.read().mono + waitMs
    return undefined
  }
}

const STARTING = {
  failure: { code: 'vault_locked', message: 'The vault is being opened.' },
  hint: 'Try again shortly.',
}
