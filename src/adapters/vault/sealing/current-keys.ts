/** The header and the keys of an open vault: what the records are sealed with, and where that is written down. */
import { Queue } from '../../../queue.ts'
import { type KeyRing, keyOf } from './key-ring.ts'
import { FORMAT, keyCheck, type VaultHeader, writeHeader } from '../header.ts'
import type { OnStep } from '../records/record-files.ts'

/** The keys of a vault as its records see them: not where they are kept, nor how they change. */
export interface SealingKeys {
  /** To be asked anew each time, since the keys change while the vault is open. */
  readonly ring: KeyRing
  /** To be called before a record is written: no older version may take the vault for one of its own. */
  raiseFormat(): Promise<void>
}

export class VaultKeyring implements SealingKeys {
  readonly #dir: string
  readonly #onStep: OnStep
  readonly #headerWrites = new Queue()
  #header: VaultHeader
  /** The header's key first, whatever the order in the place that keeps them: that one writes. */
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

  async raiseFormat(): Promise<void> {
    if (this.#header.format === FORMAT) return
    await this.#headerWrites.run(async () => {
      if (this.#header.format === FORMAT) return
      this.#header = await writeHeader(this.#dir, this.#header)
    })
  }

  /** One change after another, each of the header that the one before has left. */
  changeHeader(toChanged: (header: VaultHeader) => VaultHeader): Promise<void> {
    return this.#headerWrites.run(async () => {
      this.#header = await writeHeader(this.#dir, toChanged(this.#header))
    })
  }

  /** From here on the first key of `ring` writes. */
  async writeWith(ring: KeyRing): Promise<void> {
    const check = await keyCheck(this.#header.id, ring[0])
    await this.changeHeader((header) => ({ ...header, ...check }))
    this.#ring = ring
    this.#onStep('key in use')
  }

  /** As `writeWith`, for a key that is among ours already. */
  async writeWithKey(kid: string): Promise<void> {
    const key = keyOf(this.#ring, kid)
    if (key) await this.writeWith([key, ...this.#ring.filter((other) => other !== key)])
  }

  /** Forgets every key but the first. */
  keepNewest(): void {
    this.#ring = [this.#ring[0]]
  }
}
