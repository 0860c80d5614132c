/** What may be an app's private key, and what a person is told of everything else. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readPrivateKey } from '../../src/adapters/app-secrets/private-key.ts'
import { createClientKey } from '../support/client-keys.ts'

const { privateKey: RSA, publicKey: PUBLIC } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const PEM = pem(RSA)
const JWK = RSA.export({ format: 'jwk' })
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

const RSA_ALGORITHMS = ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512']

describe('a private key', () => {
  it.each([
    ['PKCS#8', PEM, RSA_ALGORITHMS],
    ['PKCS#8 with the line ends of Windows', PEM.replaceAll('\n', '\r\n'), RSA_ALGORITHMS],
    ['PKCS#8 indented', PEM.replace(/^/gm, '    '), RSA_ALGORITHMS],
    ['PKCS#8 in one line', PEM.replaceAll('\n', ' '), RSA_ALGORITHMS],
    ['PKCS#8 in the JSON of a cloud', JSON.stringify({ private_key: PEM }), RSA_ALGORITHMS],
    ['PKCS#1', RSA.export({ type: 'pkcs1', format: 'pem' }).toString(), RSA_ALGORITHMS],
    [
      'a key behind its certificate and a remark',
      `Bag Attributes\n${CERTIFICATE}${PEM}`,
      RSA_ALGORITHMS,
    ],
    ['P-256', pem(curve('P-256')), ['ES256']],
    ['P-384', pem(curve('P-384')), ['ES384']],
    [
      'P-521 in SEC 1',
      curve('P-521').export({ type: 'sec1', format: 'pem' }).toString(),
      ['ES512'],
    ],
    ['Ed25519', pem(generateKeyPairSync('ed25519').privateKey), ['EdDSA', 'Ed25519']],
    ['a JWK', JSON.stringify(JWK, null, 2), RSA_ALGORITHMS],
    ['a JWK that names its algorithm', JSON.stringify({ ...JWK, alg: 'PS384' }), ['PS384']],
  ])('is read from %s', (_, text, algorithms) => {
    const read = readPrivateKey(text)
    expect(read).toMatchObject({ kind: 'key', algorithms })
    // What is kept of it says the same.
    expect(read.kind === 'key' && readPrivateKey(read.text)).toEqual(read)
  })

  it('keeps what a JWK is called, and leaves the rest of it out', () => {
    const given = { ...JWK, kid: 'key-7', alg: 'RS256', use: 'sig', x5c: ['MIIB'] }
    const read = readPrivateKey(JSON.stringify(given))
    expect(read).toMatchObject({ kind: 'key', kid: 'key-7', algorithms: ['RS256'] })
    const kept = read.kind === 'key' ? (JSON.parse(read.text) as object) : {}
    expect(kept).toEqual({ ...JWK, kid: 'key-7', alg: 'RS256' })
  })

  it.each([
    {
      from: 'Google',
      beside: { type: 'service_account', private_key_id: 'key-7' },
      as: 'private_key',
    },
    { from: 'Zitadel', beside: { type: 'application', keyId: 'key-7', appId: '1' }, as: 'key' },
  ])('keeps what it is called in the JSON of $from', ({ beside, as }) => {
    const read = readPrivateKey(JSON.stringify({ ...beside, [as]: PEM }, null, 2))
    expect(read).toMatchObject({ kind: 'key', kid: 'key-7', algorithms: RSA_ALGORITHMS })
    const kept = read.kind === 'key' ? read.text : ''
    expect(JSON.parse(kept)).toEqual({ ...JWK, kid: 'key-7' })
    expect(readPrivateKey(kept)).toEqual(read)
  })

  it('of 4096 bits fits into 4 KiB, as PEM and as JWK', () => {
    const { pem: text, jwk } = createClientKey('rsa-4096')
    const named = JSON.stringify({ ...jwk, kid: 'k'.repeat(64), alg: 'RS256' }, null, 2)
    for (const form of [text, text.replaceAll('\n', '\r\n'), named]) {
      expect(readPrivateKey(form).kind).toBe('key')
      expect(form.length).toBeLessThan(4096)
    }
  })
})

describe('what is no key to sign with', () => {
  const encrypted = { cipher: 'aes-256-cbc', passphrase: 'x' } as const
  it.each([
    ['a certificate', CERTIFICATE, 'it holds a certificate, not a private key'],
    ['a public key', PUBLIC.export({ type: 'spki', format: 'pem' }).toString(), 'a public key'],
    ['two keys', PEM + PEM, 'more than one'],
    ['the first line alone', '-----BEGIN PRIVATE KEY-----', 'cut short'],
    ['a damaged key', PEM.replace(/M/g, 'N'), 'damaged'],
    [
      'an encrypted key',
      RSA.export({ type: 'pkcs8', format: 'pem', ...encrypted }).toString(),
      'openssl pkey -in FILE',
    ],
    [
      'an encrypted key in PKCS#1',
      RSA.export({ type: 'pkcs1', format: 'pem', ...encrypted }).toString(),
      'openssl pkey -in FILE',
    ],
    [
      'a key of OpenSSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----',
      'ssh-keygen -p -m PKCS8',
    ],
    [
      'a short RSA key',
      pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
      '1024 bits, and needs at least 2048',
    ],
    ['a curve that JOSE has not', pem(curve('secp224r1')), 'its curve is secp224r1'],
    ['a key to agree on keys', pem(generateKeyPairSync('x25519').privateKey), 'type x25519'],
    [
      'an RSA-PSS key',
      pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey),
      'type rsa-pss',
    ],
    ['a public JWK', JSON.stringify(PUBLIC.export({ format: 'jwk' })), 'it is a public key'],
    ['a symmetric JWK', '{"kty":"oct","k":"c2VjcmV0"}', 'symmetric'],
    ['a set of JWKs', JSON.stringify({ keys: [JWK] }), 'give the one key'],
    ['a JWK to encrypt with', JSON.stringify({ ...JWK, use: 'enc' }), '"use"'],
    [
      'a JWK of another algorithm',
      JSON.stringify({ ...JWK, alg: 'RSA-OAEP' }),
      '"alg" is none of RS256',
    ],
    ['a JWK whose name is none', JSON.stringify({ ...JWK, kid: 7 }), '"kid"'],
    ['half a JWK', '{"kty":"RSA","d":"AQAB"}', 'damaged'],
    ['a JWK of an unknown type', '{"kty":"XY","d":"AQAB"}', 'of an unknown type'],
  ])('is told of as %s', (_, text, reason) => {
    const read = readPrivateKey(text)
    expect(read).toEqual({ kind: 'unusable', reason: expect.stringContaining(reason) as string })
  })

  it.each(['s3cret', '', '{s3cret', '{"a":1}', 'PRIVATE KEY', '--BEGIN'])(
    '%j is no key at all, but may be a client secret',
    (text) => {
      expect(readPrivateKey(text)).toEqual({ kind: 'other' })
    },
  )
})
