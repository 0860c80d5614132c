/**
 * Reads the private key that an app uses in place of a client secret (RFC 7523 §2.2): PEM or JWK,
 * from a file, a systemd credential or the vault.
 */
import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { type JsonObject, parseJsonObject } from '../../core/json-object.ts'

export interface PrivateKey {
  readonly kind: 'key'
  /** The key alone, without other text of the file. */
  readonly text: string
  readonly jwk: JsonWebKey & { readonly kty: string }
  readonly kid?: string
  /** Algorithms that it can sign with (RFC 7518 §3.1), the usual one first; only that of a JWK's `alg`, if it has one. */
  readonly algorithms: readonly string[]
}

export type PrivateKeyRead =
  | PrivateKey
  /** A key that cannot sign; `reason` completes "it cannot be used: …". */
  | { readonly kind: 'unusable'; readonly reason: string }
  /** No key: a client secret, or other text. */
  | { readonly kind: 'other' }

const SMALLEST_RSA_BITS = 2048

const RSA = ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512']
const CURVES: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g
const IS_KEY = /\bPRIVATE KEY$/

export function readPrivateKey(text: string): PrivateKeyRead {
  if (text.includes('-----BEGIN ')) return nameKey(readPem(text), parseJsonObject(text.trim()))
  return /^\s*\{/.test(text) ? readJwk(text) : { kind: 'other' }
}

function readPem(text: string): PrivateKeyRead {
  const blocks = [...text.matchAll(PEM_BLOCK)].map(([block, label = '', body = '']) => ({
    block: withLines(block, label, body),
    label,
  }))
  const [first, ...others] = blocks.filter(({ label }) => IS_KEY.test(label))
  if (!first) {
    const [other] = blocks
    return other
      ? toUnusable(`it holds a ${other.label.toLowerCase()}, not a private key`)
      : toUnusable('it has no "-----END …" line: it was cut short')
  }
  if (others.length > 0) return toUnusable('it holds more than one private key')
  const { block, label } = first
  if (label.startsWith('ENCRYPTED') || block.includes('Proc-Type: 4,ENCRYPTED')) {
    return toUnusable('it is encrypted: "openssl pkey -in FILE" writes it without its passphrase')
  }
  if (label.startsWith('OPENSSH')) {
    return toUnusable(
      'it is in the format of OpenSSH: "ssh-keygen -p -m PKCS8 -f FILE" turns it into PKCS#8',
    )
  }
  const key = keyFrom(() => createPrivateKey(block))
  if (!key) return toUnusable('it is damaged')
  const algorithms = algorithmsOf(key)
  if (typeof algorithms === 'string') return toUnusable(algorithms)
  return { kind: 'key', text: `${block}\n`, jwk: toJwk(key), algorithms }
}

/** `read` with the name that its server knows it by, where that stands beside it (Google, Zitadel): a PEM has no place for one. */
function nameKey(
  read: PrivateKeyRead,
  { private_key_id, keyId, kid = private_key_id ?? keyId }: JsonObject = {},
): PrivateKeyRead {
  if (read.kind !== 'key' || typeof kid !== 'string' || kid === '') return read
  return { ...read, text: JSON.stringify({ ...read.jwk, kid }), kid }
}

/** `block` as OpenSSL reads it, where its lines were indented, joined, or written as `\\n` (in JSON, in variables). */
function withLines(block: string, label: string, body: string): string {
  const content = body.replace(/\\[nr]|\s/g, '')
  if (!/^[A-Za-z0-9+/]+=*$/.test(content)) return block
  const lines = content.match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n')
}

function readJwk(text: string): PrivateKeyRead {
  const given = parseJsonObject(text.trim())
  if (Array.isArray(given?.keys)) return toUnusable('it is a set of keys: give the one key in it')
  if (typeof given?.kty !== 'string') return { kind: 'other' }
  const { kty, kid, alg, use } = given
  if (kty === 'oct') return toUnusable('it is a symmetric key, not a private key')
  if (given.d === undefined) return toUnusable('it is a public key, not a private key')
  if (use !== undefined && use !== 'sig') return toUnusable('its "use" is not "sig"')
  if (kid !== undefined && typeof kid !== 'string') return toUnusable('its "kid" is not a string')
  const key = keyFrom(() => createPrivateKey({ key: given as JsonWebKey, format: 'jwk' }))
  if (!key) return toUnusable('it is damaged, or of an unknown type')
  const possible = algorithmsOf(key)
  if (typeof possible === 'string') return toUnusable(possible)
  const algorithms = alg === undefined ? possible : possible.filter((one) => one === alg)
  if (algorithms.length === 0) return toUnusable(`its "alg" is none of ${possible.join(', ')}`)
  const jwk = toJwk(key)
  const stated = { ...(kid !== undefined && { kid }), ...(alg !== undefined && { alg }) }
  return {
    kind: 'key',
    text: JSON.stringify({ ...jwk, ...stated }),
    jwk,
    algorithms,
    ...(kid !== undefined && { kid }),
  }
}

/** What `key` can sign with; a string says why it cannot. */
function algorithmsOf({
  asymmetricKeyType,
  asymmetricKeyDetails = {},
}: KeyObject): readonly string[] | string {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails
  if (asymmetricKeyType === 'rsa') {
    return modulusLength < SMALLEST_RSA_BITS
      ? `it is an RSA key of ${modulusLength} bits, and needs at least ${SMALLEST_RSA_BITS}`
      : RSA
  }
  if (asymmetricKeyType === 'ec') {
    return CURVES[namedCurve] ?? `its curve is ${namedCurve}, and has to be P-256, P-384 or P-521`
  }
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519']
  return `it is a key of the type ${asymmetricKeyType ?? ''}, and has to be an RSA, EC or Ed25519 key`
}

function toJwk(key: KeyObject): PrivateKey['jwk'] {
  const jwk = key.export({ format: 'jwk' })
  return { ...jwk, kty: jwk.kty ?? '' }
}

/** Undefined where Node cannot read it. Node's error is dropped: it may quote the key. */
function keyFrom(make: () => KeyObject): KeyObject | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

function toUnusable(reason: string): PrivateKeyRead {
  return { kind: 'unusable', reason }
}
