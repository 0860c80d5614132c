/**
 * Changing the vault's key and moving it. Both take several steps; a key source with two keys, or a
 * header with a place that is being left, remembers which was the last, and `finish` does the rest.
 */
import pLimit from 'p-limit'
import type { Log } from '../../core/ports.ts'
import { SidecarError } from '../../errors.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../disk-errors.ts'
import { type KeyPlace, type KeyPlaces, newVaultKey, type Refusal } from './key-place.ts'
import { type KeyRing, keyOf, toVaultKey } from './key-ring.ts'
import type { Turns } from './turns.ts'
import { FORMAT, keyCheck, type VaultHeader, writeHeader } from './vault-header.ts'
import type { OnStep } from './vault-files.ts'
import { type InQueue, reencrypt } from './vault-reencryption.ts'

export interface KeyChangesDeps {
  readonly dir: string
  readonly places: KeyPlaces
  readonly log: Log
  readonly turns: Turns
  readonly onStep: OnStep
}

export class KeyChanges {
  readonly #deps: KeyChangesDeps
  readonly #oneByOne = pLimit(1)
  readonly #headerWrites = pLimit(1)
  #header: VaultHeader
  /** The header's key first, whatever the order in its place: that one writes. */
  #ring: KeyRing

  constructor(deps: KeyChangesDeps, header: VaultHeader, ring: KeyRing) {
    this.#deps = deps
    this.#header = header
    this.#ring = ring
  }

  get ring(): KeyRing {
    return this.#ring
  }

  /** Before a record is written: no older version may take the vault for one of its own. */
  async raiseFormat(): Promise<void> {
    if (this.#header.format === FORMAT) return
    await this.#headerWrites(async () => {
      if (this.#header.format === FORMAT) return
      this.#header = await writeHeader(this.#deps.dir, this.#header)
    })
  }

  rotate(inQueue: InQueue): Promise<void> {
    return this.#oneByOne(() => this.#onDisk(() => this.#rotate(inQueue)))
  }

  move(to: 'keychain' | 'file'): Promise<void> {
    return this.#oneByOne(() => this.#onDisk(() => this.#move(to)))
  }

  /**
   * Finishes what a stop interrupted, and changes over to a key that was put on top of the others
   * in the key's place. What cannot be done now is told of, and done another time.
   */
  async finish(newestKid: string): Promise<void> {
    const { log } = this.#deps
    try {
      await this.#onDisk(async () => {
        await this.#emptyLeftPlace()
        if (newestKid !== this.#ring[0].kid)
          await this.#writeWith(newestFirst(this.#ring, newestKid))
        if (this.#ring.length > 1) await this.#leaveOldKeys((_app, work) => work())
      })
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error
      log.warn({ reason: error.message }, 'the change of the vault key is not finished yet')
    }
  }

  async #rotate(inQueue: InQueue): Promise<void> {
    const ring: KeyRing = [await toVaultKey(newVaultKey()), ...this.#ring]
    await this.#putKeys(ring)
    this.#deps.onStep('key added')
    await this.#writeWith(ring)
    await this.#leaveOldKeys(inQueue)
  }

  /** From here on the first key of `ring` writes. */
  async #writeWith(ring: KeyRing): Promise<void> {
    const check = await keyCheck(this.#header.id, ring[0])
    await this.#changeHeader((header) => ({ ...header, ...check }))
    this.#ring = ring
    this.#deps.onStep('key in use')
  }

  async #leaveOldKeys(inQueue: InQueue): Promise<void> {
    const { dir, log, turns, onStep } = this.#deps
    await this.raiseFormat()
    // What began with the old key ends before the files are listed: none is missed.
    await turns.settled()
    await reencrypt({ dir, ring: this.#ring, turns, onStep }, inQueue)
    if (this.#header.source === 'credential') {
      log.info({}, 'every record is under the new vault key: the old line of the credential can go')
      return
    }
    const newest: KeyRing = [this.#ring[0]]
    await this.#putKeys(newest)
    this.#ring = newest
    onStep('old key dropped')
    log.info({}, 'every record is under the new vault key, and the old one is gone')
  }

  async #putKeys(ring: KeyRing): Promise<void> {
    const { source, id } = this.#header
    const place = this.#deps.places[source]
    const result = await place.write(id, secretsOf(ring))
    if (result.kind === 'refused') throw refused(result, place)
  }

  async #move(to: 'keychain' | 'file'): Promise<void> {
    const { places, onStep } = this.#deps
    const { id, source: from } = this.#header
    if (to === from) {
      throw new SidecarError('invalid_request', `The vault key is in the ${to} already.`, {
        hint: 'See `evo-token doctor` for where everything is.',
      })
    }
    const there = await places[to].read(id)
    if (there.kind === 'refused') throw refused(there, places[to])
    if (there.kind === 'keys' && !this.#areOurs(there.keys)) {
      throw new SidecarError(
        'unavailable',
        `The ${to} has a vault key already, which is another.`,
        {
          hint: 'Move that one away first: something may still need it.',
        },
      )
    }
    // First of all the header says that a key may be there: a copy is not forgotten by a crash.
    await this.#changeHeader((header) => ({ ...header, leaving: to }))
    onStep('announced')
    const written = await places[to].write(id, secretsOf(this.#ring))
    if (written.kind === 'refused') {
      await this.#emptyLeftPlace()
      throw refused(written, places[to])
    }
    onStep('copied')
    await this.#changeHeader((header) => ({ ...header, source: to, leaving: from }))
    onStep('moved')
    await this.#emptyLeftPlace()
  }

  async #emptyLeftPlace(): Promise<void> {
    const { leaving, id } = this.#header
    if (leaving === undefined) return
    const { places, log, onStep } = this.#deps
    const place = places[leaving]
    const there = await place.read(id)
    if (there.kind === 'keys' && this.#areOurs(there.keys)) {
      const removed = await place.remove(id)
      if (removed.kind === 'refused') {
        log.warn({ reason: removed.message }, `the ${leaving} still has a copy of the vault key`)
        return
      }
    }
    onStep('emptied')
    await this.#changeHeader(({ leaving: _left, ...kept }) => kept)
  }

  #areOurs(keys: readonly { readonly sha256: string }[]): boolean {
    return keys.every((key) => this.#ring.some(({ secret }) => secret.sha256 === key.sha256))
  }

  /** One change after another, each of the header that the one before has left. */
  #changeHeader(toChanged: (header: VaultHeader) => VaultHeader): Promise<void> {
    return this.#headerWrites(async () => {
      this.#header = await writeHeader(this.#deps.dir, toChanged(this.#header))
    })
  }

  async #onDisk(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isDiskError(error)) throw error
      const message = `The vault ${this.#deps.dir} could not be changed: ${diskErrorInWords(error)}. No key and no record is lost.`
      throw new SidecarError('unavailable', message, {
        hint: `${wayOutOf(error)} What was begun is finished at the next start.`,
        cause: error,
      })
    }
  }
}

function refused({ message, hint }: Refusal, { source }: KeyPlace): SidecarError {
  const code = source === 'credential' ? 'invalid_request' : 'unavailable'
  return new SidecarError(code, message, { hint })
}

function secretsOf(ring: KeyRing) {
  return ring.map(({ secret }) => secret)
}

function newestFirst(ring: KeyRing, kid: string): KeyRing {
  const newest = keyOf(ring, kid)
  return newest ? [newest, ...ring.filter((key) => key !== newest)] : ring
}
