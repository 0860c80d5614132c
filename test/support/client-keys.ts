/** Key pairs of apps that sign in with a private key, as files hold them and as a server registers them. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientMetadata, SigningAlgorithm } from 'oidc-provider'
import { EVO_SCOPES } from './authorization-server.ts'

export interface ClientKey {
  /** PKCS#8. */
  readonly pem: string
  readonly jwk: JsonWebKey
  readonly publicJwk: JsonWebKey
}

export type KeyKind = 'rsa' | 'rsa-4096' | 'ec' | 'ed25519'

export function createClientKey(kind: KeyKind): ClientKey {
  const { privateKey, publicKey } = pairOf(kind)
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    jwk: privateKey.export({ format: 'jwk' }),
    publicJwk: publicKey.export({ format: 'jwk' }),
  }
}

function pairOf(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (kind) {
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'rsa-4096':
      return keptPair()
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ed25519':
      return generateKeyPairSync('ed25519')
  }
}

const KEPT = join(import.meta.dirname, '../../build/rsa-4096.pem')

/** Finding two primes of 2048 bits takes seconds: that is done once for all tests of this checkout. */
function keptPair(): { privateKey: KeyObject; publicKey: KeyObject } {
  if (!existsSync(KEPT)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
    mkdirSync(join(KEPT, '..'), { recursive: true })
    // Whole from the start, for others that look at the same time.
    const own = `${KEPT}.${process.pid}`
    writeFileSync(own, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    renameSync(own, KEPT)
  }
  const privateKey = createPrivateKey(readFileSync(KEPT))
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/** A service client of the real server that shows such a key. */
export function keyClient(
  clientId: string,
  publicJwk: JsonWebKey,
  alg: SigningAlgorithm = 'RS256',
): ClientMetadata {
  return {
    client_id: clientId,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: alg,
    jwks: { keys: [publicJwk] },
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    scope: EVO_SCOPES.join(' '),
  }
}
