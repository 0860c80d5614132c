/** The keys that an open vault encrypts its records with, and the header that names them. */
import { Queue } from '../../../queue.ts'
import { type KeyRing, findKey } from './key-ring.ts'
import { createKeyCheck, readHeader, type VaultHeader, writeHeader } from '../header.ts'
import type { OnStep } from '../records/record-files.ts'

/** What the records need of the keys. */
export interface SealingKeys {
  /** Read it each time: the keys change while the vault is open. */
  readonly ring: KeyRing
  /** Call it before a record is written, so that no version that knows only lower formats opens the vault. */
  raiseFormat(format: number): Promise<void>
  /**
   * Why the directory is not that of this vault any more; undefined where it is. A home on the network that is
   * unmounted takes its files with it, and a record that is missing then was not deleted.
   */
  whyNotInPlace(): string | undefined
}

export class CurrentKeys implements SealingKeys {
  readonly #dir: string
  readonly #onStep: OnStep
  readonly #headerWrites = new Queue()
  #header: VaultHeader
  /** The key that the header names comes first and encrypts, whatever the order in its place. */
  #ring: KeyRing

  constructor(
    { dir, onStep }: { readonly dir: string; readonly onStep: OnStep },
    header: VaultHeader,
    ring: KeyRing,
  ) {
    this.#dir = dir
    this.#onStep = onStep
    this.#header = header
    this.#ring = ring
  }

  get header(): VaultHeader {
    return this.#header
  }

  get ring(): KeyRing {
    return this.#ring
  }

  async raiseFormat(format: number): Promise<void> {
    if (this.#header.format >= format) return
    await this.changeHeader((header) => ({ ...header, format: Math.max(header.format, format) }))
  }

  whyNotInPlace(): string | undefined {
    const found = readHeader(this.#dir)
    if (found.kind === 'absent') {
      return 'the vault is not there any more. Mount it or move it back; evo-token tries again by itself.'
    }
    if (found.kind === 'header' && found.header.id !== this.#header.id) {
      return 'another vault is in its place. Put the right one back; or restart the daemon, which then uses that one.'
    }
    return undefined
  }

  /** Runs changes one after another, each on the header that the last one left. */
  changeHeader(toChanged: (header: VaultHeader) => VaultHeader): Promise<void> {
    return this.#headerWrites.run(async () => {
      this.#header = await writeHeader(this.#dir, toChanged(this.#header))
    })
  }

  /** From here on the first key of `ring` encrypts. */
  async writeWith(ring: KeyRing): Promise<void> {
    const check = await createKeyCheck(this.#header.id, ring[0])
    await this.changeHeader((header) => ({ ...header, ...check }))
    this.#ring = ring
    this.#onStep('key in use')
  }

  /** As `writeWith`, for a key that the ring has already. */
  async writeWithKey(kid: string): Promise<void> {
    const key = findKey(this.#ring, kid)
    if (key) await this.writeWith([key, ...this.#ring.filter((other) => other !== key)])
  }

  /** Forgets every key but the first. */
  keepNewest(): void {
    this.#ring = [this.#ring[0]]
  }
}
