/**
 * Changing the vault's key and moving it. Both take several steps; a place with two keys, or a
 * header that names a place to be left, remembers which was the last, and `finish` does the rest.
 */
import type { Log, VaultKeys } from '../../core/ports.ts'
import type { KeySource } from '../../core/vault-key-source.ts'
import { SidecarError } from '../../errors.ts'
import { Queue, type Queues } from '../../queue.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../files/disk-errors.ts'
import { type KeyPlace, type KeyPlaces, newVaultKey, type Refusal } from './key-places/key-place.ts'
import { type KeyRing, toVaultKey } from './sealing/key-ring.ts'
import type { OnStep } from './records/record-files.ts'
import type { VaultKeyring } from './sealing/current-keys.ts'
import { type InQueue, reencrypt } from './records/reencryption.ts'

export interface KeyChangesDeps {
  readonly dir: string
  readonly places: KeyPlaces
  readonly keyring: VaultKeyring
  readonly log: Log
  /** The work on the files of each app. */
  readonly queues: Queues
  readonly onStep: OnStep
}

export class KeyChanges implements VaultKeys {
  readonly #deps: KeyChangesDeps
  readonly #keyring: VaultKeyring
  readonly #changes = new Queue()

  constructor(deps: KeyChangesDeps) {
    this.#deps = deps
    this.#keyring = deps.keyring
  }

  source(): KeySource {
    return this.#keyring.header.source
  }

  digests(): readonly string[] {
    return this.#keyring.ring.map(({ secret }) => secret.sha256)
  }

  rotate(inQueue: InQueue): Promise<void> {
    return this.#changes.run(() => this.#onDisk(() => this.#rotate(inQueue)))
  }

  move(to: 'keychain' | 'file'): Promise<void> {
    return this.#changes.run(() => this.#onDisk(() => this.#move(to)))
  }

  /**
   * Finishes what a stop interrupted, and changes over to a key that was put on top of the others
   * in the key's place. What cannot be done now is logged, and done another time.
   */
  async finish(newestKid: string): Promise<void> {
    const { log } = this.#deps
    try {
      await this.#onDisk(async () => {
        await this.#emptyLeftPlace()
        if (newestKid !== this.#keyring.ring[0].kid) await this.#keyring.writeWithKey(newestKid)
        if (this.#keyring.ring.length > 1) await this.#leaveOldKeys((_app, work) => work())
      })
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error
      log.warn({ reason: error.message }, 'the change of the vault key is not finished yet')
    }
  }

  async #rotate(inQueue: InQueue): Promise<void> {
    const ring: KeyRing = [await toVaultKey(newVaultKey()), ...this.#keyring.ring]
    await this.#putKeys(ring)
    this.#deps.onStep('key added')
    await this.#keyring.writeWith(ring)
    await this.#leaveOldKeys(inQueue)
  }

  async #leaveOldKeys(inQueue: InQueue): Promise<void> {
    const { dir, log, queues, onStep } = this.#deps
    await this.#keyring.raiseFormat()
    // What began with the old key ends before the files are listed: none is missed.
    await queues.drain()
    await reencrypt({ dir, ring: this.#keyring.ring, queues, onStep }, inQueue)
    if (this.#keyring.header.source === 'credential') {
      log.info({}, 'every record is under the new vault key: the old line of the credential can go')
      return
    }
    await this.#putKeys([this.#keyring.ring[0]])
    this.#keyring.keepNewest()
    onStep('old key dropped')
    log.info({}, 'every record is under the new vault key, and the old one is gone')
  }

  async #putKeys(ring: KeyRing): Promise<void> {
    const { source, id } = this.#keyring.header
    const place = this.#deps.places[source]
    const result = await place.write(id, secretsOf(ring))
    if (result.kind === 'refused') throw refused(result, place)
  }

  async #move(to: 'keychain' | 'file'): Promise<void> {
    const { places, onStep } = this.#deps
    const { id, source: from } = this.#keyring.header
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
    await this.#keyring.changeHeader((header) => ({ ...header, leaving: to }))
    onStep('announced')
    const written = await places[to].write(id, secretsOf(this.#keyring.ring))
    if (written.kind === 'refused') {
      await this.#emptyLeftPlace()
      throw refused(written, places[to])
    }
    onStep('copied')
    await this.#keyring.changeHeader((header) => ({ ...header, source: to, leaving: from }))
    onStep('moved')
    await this.#emptyLeftPlace()
  }

  async #emptyLeftPlace(): Promise<void> {
    const { leaving, id } = this.#keyring.header
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
    await this.#keyring.changeHeader(({ leaving: _left, ...kept }) => kept)
  }

  #areOurs(keys: readonly { readonly sha256: string }[]): boolean {
    return keys.every((key) =>
      this.#keyring.ring.some(({ secret }) => secret.sha256 === key.sha256),
    )
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
