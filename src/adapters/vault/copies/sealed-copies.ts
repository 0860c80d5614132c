/**
 * Sealed copies of records for other hosts: the session under the vault key, for keepers, and the
 * access token under a key of the app's own, for readers. The header of each says which row it belongs to.
 */
import { hkdfSync } from 'node:crypto'
import type { AppKey, Copies } from '../../../core/sharing/shared-store.ts'
import type { Pair } from '../../../core/sharing/pair.ts'
import type { AccessCopy, OpenResult, RecordCopies, RecordCopy } from '../../../core/vault.ts'
import { Secret } from '../../../secret.ts'
import { fromPlainText, toPlainText } from '../records/record-codec.ts'
import type { SealingKeys } from '../sealing/current-keys.ts'
import { findKey, toVaultKey, type VaultKey } from '../sealing/key-ring.ts'
import { isFor, keyIdOf, type Purpose, seal, unseal } from '../sealing/sealed-text.ts'
import { accessPurpose, numberOf, openAccessCopy, sealAccessCopy } from './access-copy.ts'

export class SealedCopies implements RecordCopies {
  readonly #keys: SealingKeys
  /** The keys of readers, by vault key, app and number: to derive one takes time. */
  readonly #readerKeys = new Map<string, Promise<VaultKey>>()

  constructor(keys: SealingKeys) {
    this.#keys = keys
  }

  kids(): readonly string[] {
    return this.#keys.ring.map(({ kid }) => kid)
  }

  async seal(copy: RecordCopy): Promise<Copies> {
    const [key] = this.#keys.ring
    const { record, unanswered, access } = copy
    const kind = unanswered ? 'attempt' : 'app'
    const number = record.sharing?.readerKey ?? 1
    return {
      kid: key.kid,
      session: await seal(toPlainText({ kind, record }), sessionPurpose(copy), key),
      access: access
        ? await sealAccessCopy(
            access,
            accessPurpose(copy, number),
            await this.#readerKey(key, copy.app, number),
          )
        : null,
    }
  }

  async openSession(
    row: AppKey & Pair & Pick<Copies, 'session'>,
  ): Promise<OpenResult<Pick<RecordCopy, 'record' | 'unanswered'>>> {
    const kid = keyIdOf(row.session)
    if (kid === undefined) return { kind: 'broken' }
    if (!findKey(this.#keys.ring, kid)) return { kind: 'unknown-key' }
    const unsealed = await unseal(row.session, this.#keys.ring)
    if (!unsealed || !isFor(unsealed.header, sessionPurpose(row))) return { kind: 'broken' }
    const decoded = fromPlainText(unsealed.plaintext)
    if (!decoded) return { kind: 'broken' }
    const { kind, record } = decoded
    return { kind: 'opened', value: { record, unanswered: kind === 'attempt' } }
  }

  async openAccess(row: AppKey & Pair & Pick<Copies, 'access'>): Promise<OpenResult<AccessCopy>> {
    if (row.access === null) return { kind: 'broken' }
    const number = numberOf(row.access)
    if (number === undefined) return { kind: 'broken' }
    const keys = this.#keys.ring.map((key) => this.#readerKey(key, row.app, number))
    return openAccessCopy(row, row.access, await Promise.all(keys))
  }

  readerKeys(app: string, number: number): readonly Secret[] {
    return this.#keys.ring.map((key) => deriveReaderKey(key, app, number))
  }

  #readerKey(key: VaultKey, app: string, number: number): Promise<VaultKey> {
    const name = `${key.kid} ${app} ${number}`
    const known = this.#readerKeys.get(name)
    if (known) return known
    const made = toVaultKey(deriveReaderKey(key, app, number))
    this.#readerKeys.set(name, made)
    return made
  }
}

/** HKDF-SHA-256 (RFC 5869): a reader key reveals nothing about the vault key, or another app's reader key. */
function deriveReaderKey({ secret }: VaultKey, app: string, number: number): Secret {
  const key = Buffer.from(secret.expose(), 'base64url')
  const info = `evo-token reader key\0${app}\0${number}`
  return new Secret(Buffer.from(hkdfSync('sha256', key, '', info, 32)).toString('base64url'))
}

function sessionPurpose({ app, identityDigest, number, generation }: AppKey & Pair): Purpose {
  return {
    'evo-app': app,
    'evo-kind': 'session',
    'evo-identity': identityDigest,
    'evo-number': String(number),
    'evo-generation': String(generation),
  }
}
