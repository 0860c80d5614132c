/**
 * Rotates the vault's key, and moves it. Both take several steps: after a crash, a place with two keys or a
 * header with `leaving` shows which step was the last, and `finish` does the rest.
 */
import type { Log } from '../../core/ports.ts'
import type { VaultKeys } from '../../core/vault.ts'
import type { KeySource, WritableSource } from '../../core/vault-key-source.ts'
import { SidecarError } from '../../errors.ts'
import { Queue, type Queues } from '../../queue.ts'
import { diskErrorInWords, isDiskError, wayOutOf } from '../files/disk-errors.ts'
import { FORMAT_UNSHARED } from './header.ts'
import { type KeyPlace, type KeyPlaces, newVaultKey, type Refusal } from './key-places/key-place.ts'
import { type KeyRing, toVaultKey } from './sealing/key-ring.ts'
import type { OnStep } from './records/record-files.ts'
import type { CurrentKeys } from './sealing/current-keys.ts'
import { type InQueue, reencrypt } from './records/reencryption.ts'

export interface KeyChangesDeps {
  readonly dir: string
  readonly places: KeyPlaces
  readonly current: CurrentKeys
  readonly log: Log
  /** One queue for each app's files. */
  readonly queues: Queues
  readonly onStep: OnStep
}

export class KeyChanges implements VaultKeys {
  readonly #deps: KeyChangesDeps
  readonly #current: CurrentKeys
  readonly #changes = new Queue()

  constructor(deps: KeyChangesDeps) {
    this.#deps = deps
    this.#current = deps.current
  }

  source(): KeySource {
    return this.#current.header.source
  }

  digests(): readonly string[] {
    return this.#current.ring.map(({ secret }) => secret.sha256)
  }

  rotate(inQueue: InQueue): Promise<void> {
    return this.#changes.run(() => this.#onDisk(() => this.#rotate(inQueue)))
  }

  move(to: WritableSource): Promise<void> {
    return this.#changes.run(() => this.#onDisk(() => this.#move(to)))
  }

  /**
   * Finishes what a stop interrupted, and changes to a key that was put before the others in the
   * key's place. What cannot be done now is logged, and done at the next start.
   *
   * @param keepsOthers whether the older keys stay in their place: other machines use them too.
   */
  async finish(newestKid: string, keepsOthers: boolean): Promise<void> {
    const { log } = this.#deps
    try {
      await this.#onDisk(async () => {
        await this.#emptyLeftPlace()
        if (newestKid !== this.#current.ring[0].kid) await this.#current.writeWithKey(newestKid)
        if (this.#current.ring.length === 1) return
        if (keepsOthers) await this.#reencrypt((_app, work) => work())
        else await this.#leaveOldKeys((_app, work) => work())
      })
    } catch (error) {
      if (!(error instanceof SidecarError)) throw error
      log.warn({ reason: error.message }, 'the change of the vault key is not finished yet')
    }
  }

  async #rotate(inQueue: InQueue): Promise<void> {
    const ring: KeyRing = [await toVaultKey(newVaultKey()), ...this.#current.ring]
    await this.#putKeys(ring)
    this.#deps.onStep('key added')
    await this.#current.writeWith(ring)
    await this.#leaveOldKeys(inQueue)
  }

  async #reencrypt(inQueue: InQueue): Promise<void> {
    const { dir, queues, onStep } = this.#deps
    await this.#current.raiseFormat(FORMAT_UNSHARED)
    // Work that began with the old key ends before the files are listed, so none is missed.
    await queues.drain()
    await reencrypt({ dir, ring: this.#current.ring, queues, onStep }, inQueue)
  }

  async #leaveOldKeys(inQueue: InQueue): Promise<void> {
    const { log, onStep } = this.#deps
    await this.#reencrypt(inQueue)
    if (this.#current.header.source === 'credential') {
      log.info(
        {},
        'every record is encrypted with the new vault key: the old line of the credential can be deleted',
      )
      return
    }
    await this.#putKeys([this.#current.ring[0]])
    this.#current.keepNewest()
    onStep('old key dropped')
    log.info({}, 'every record is encrypted with the new vault key, and the old one is deleted')
  }

  async #putKeys(ring: KeyRing): Promise<void> {
    const { source, id } = this.#current.header
    const place = this.#deps.places[source]
    const result = await place.write(id, secretsInRing(ring))
    if (result.kind === 'refused') throw toKeyPlaceError(result, place)
  }

  async #move(to: WritableSource): Promise<void> {
    const { places, onStep } = this.#deps
    const { id, source: from } = this.#current.header
    if (to === from) {
      throw new SidecarError('invalid_request', `The vault key is already in the ${to}.`, {
        hint: 'See `evo-token doctor` for where everything is.',
      })
    }
    const there = await places[to].read(id)
    if (there.kind === 'refused') throw toKeyPlaceError(there, places[to])
    if (there.kind === 'keys' && !this.#areOurs(there.keys)) {
      throw new SidecarError('unavailable', `The ${to} already has another vault key.`, {
        hint: 'Move that one away first: something may still need it.',
      })
    }
    // The header first says that a key may be there, so that a crash leaves no forgotten copy.
    await this.#current.changeHeader((header) => ({ ...header, leaving: to }))
    onStep('announced')
    const written = await places[to].write(id, secretsInRing(this.#current.ring))
    if (written.kind === 'refused') {
      await this.#emptyLeftPlace()
      throw toKeyPlaceError(written, places[to])
    }
    onStep('copied')
    await this.#current.changeHeader((header) => ({ ...header, source: to, leaving: from }))
    onStep('moved')
    await this.#emptyLeftPlace()
  }

  async #emptyLeftPlace(): Promise<void> {
    const { leaving, id } = this.#current.header
    if (leaving === undefined) return
    const { places, log, onStep } = this.#deps
    const place = places[leaving]
    const there = await place.read(id)
    const isOurs = there.kind === 'keys' && this.#areOurs(there.keys)
    const emptied = isOurs ? await place.remove(id) : there
    if (emptied.kind === 'refused') {
      const reason = emptied.message
      log.warn(
        { reason },
        `the ${leaving} may still have a copy of the vault key: the next start deletes it`,
      )
      return
    }
    onStep('emptied')
    await this.#current.changeHeader(({ leaving: _left, ...kept }) => kept)
  }

  #areOurs(keys: readonly { readonly sha256: string }[]): boolean {
    return keys.every((key) =>
      this.#current.ring.some(({ secret }) => secret.sha256 === key.sha256),
    )
  }

  async #onDisk(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isDiskError(error)) throw error
      const message = `The vault ${this.#deps.dir} could not be changed: ${diskErrorInWords(error)}. No key and no record is lost.`
      throw new SidecarError('unavailable', message, {
        hint: `${wayOutOf(error)} The next start finishes the change.`,
        cause: error,
      })
    }
  }
}

function toKeyPlaceError({ message, hint }: Refusal, { source }: KeyPlace): SidecarError {
  const code = source === 'credential' ? 'invalid_request' : 'unavailable'
  return new SidecarError(code, message, { hint })
}

function secretsInRing(ring: KeyRing) {
  return ring.map(({ secret }) => secret)
}
