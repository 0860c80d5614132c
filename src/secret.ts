/**
 * A value that must not be shown. Printing, logging, JSON and `util.inspect`
 * give its fingerprint; only `expose()` gives the value.
 */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'

/** The live secrets by a piece of their value, so that a text is not compared with each of 10,000. */
const secretsByPiece = new Map<number, Set<WeakRef<Secret>>>()
let liveCount = 0
const collectedSecrets = new FinalizationRegistry<ForgottenSecret>(({ reference, piece }) => {
  const alike = secretsByPiece.get(piece)
  if (!alike?.delete(reference)) return
  liveCount -= 1
  if (alike.size === 0) secretsByPiece.delete(piece)
})

interface ForgottenSecret {
  readonly reference: WeakRef<Secret>
  readonly piece: number
}

/** Characters that stand for themselves in JSON and in URLs. */
const PLAIN_PIECE = /[\w.-]{4}/
const PIECE_LENGTH = 4
const NO_PIECE = -1

export class Secret {
  readonly #value: string
  #sha256: string | undefined

  constructor(value: string) {
    this.#value = value
    const piece = pieceOf(value)
    const reference = new WeakRef(this)
    const alike = secretsByPiece.get(piece)
    if (alike) alike.add(reference)
    else secretsByPiece.set(piece, new Set([reference]))
    liveCount += 1
    collectedSecrets.register(this, { reference, piece })
  }

  /** Lower-case hex SHA-256 of the value. */
  get sha256(): string {
    this.#sha256 ??= sha256Hex(this.#value)
    return this.#sha256
  }

  /** The first 8 hex digits of the SHA-256: enough to tell tokens apart, and of no use to a thief. */
  get fingerprint(): string {
    return this.sha256.slice(0, 8)
  }

  /** The value itself. Each call is a place from which a secret may leak. */
  expose(): string {
    return this.#value
  }

  toString(): string {
    return `[secret ${this.fingerprint}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/** Lower-case hex SHA-256 of UTF-8 `value`. */
export function sha256Hex(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}

/** Every secret of this process that is still referenced. No log line may contain one. */
export function liveSecrets(): Secret[] {
  return secretsOf(secretsByPiece.keys())
}

/** The live secrets that may be in `text`, also escaped for JSON or a URL; none that is in it is missing. */
export function liveSecretsLike(text: string): Secret[] {
  if (liveCount <= text.length) return liveSecrets()
  const pieces = new Set([NO_PIECE])
  for (let at = 0; at + PIECE_LENGTH <= text.length; at++) pieces.add(pieceAt(text, at))
  return secretsOf(pieces)
}

function secretsOf(pieces: Iterable<number>): Secret[] {
  const secrets: Secret[] = []
  for (const piece of pieces) {
    for (const reference of secretsByPiece.get(piece) ?? []) {
      const secret = reference.deref()
      if (secret) secrets.push(secret)
    }
  }
  return secrets
}

/** A piece from the middle: many tokens begin alike, and some begin like ordinary words. */
function pieceOf(value: string): number {
  const middle = Math.floor(value.length / 2)
  const plain = PLAIN_PIECE.exec(value.slice(middle)) ?? PLAIN_PIECE.exec(value)
  return plain ? pieceAt(plain[0], 0) : NO_PIECE
}

/** Characters as one number, exact for ASCII: strings would take ten times as long. */
function pieceAt(text: string, at: number): number {
  let piece = 0
  for (let index = at; index < at + PIECE_LENGTH; index++) {
    piece = (piece << 7) ^ text.charCodeAt(index)
  }
  return piece
}
