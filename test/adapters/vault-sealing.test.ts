import { CompactEncrypt, type CompactJWEHeaderParameters } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { toVaultKey, type VaultKey } from '../../src/adapters/vault/sealing/key-ring.ts'
import { reseal, seal, unseal } from '../../src/adapters/vault/sealing/sealed-text.ts'
import { Secret } from '../../src/secret.ts'

const PURPOSE = { 'evo-app': 'evo-native', 'evo-kind': 'app' } as const

let key: VaultKey
let other: VaultKey
let jwe: string

beforeAll(async () => {
  const made = ['k', 'o'].map((letter) => Buffer.alloc(32, letter).toString('base64url'))
  ;[key, other] = (await Promise.all(made.map((k) => toVaultKey(new Secret(k))))) as [
    VaultKey,
    VaultKey,
  ]
  jwe = await seal('grüße', PURPOSE, key)
})

function sealWith(header: CompactJWEHeaderParameters): Promise<string> {
  const critical = { crit: { novel: true } }
  return new CompactEncrypt(new TextEncoder().encode('text'))
    .setProtectedHeader(header)
    .encrypt(key.cipher, critical)
}

describe('a sealed text', () => {
  it('opens under its key, wherever that stands in the ring, with the header that it has', async () => {
    for (const ring of [[key], [other, key]]) {
      expect(await unseal(jwe, ring)).toEqual({
        plaintext: 'grüße',
        header: { ...PURPOSE, alg: 'dir', enc: 'A256GCM', kid: key.kid },
      })
    }
  })

  it('opens where it is empty', async () => {
    expect((await unseal(await seal('', PURPOSE, key), [key]))?.plaintext).toBe('')
  })

  it('keeps its text and purpose under another key', async () => {
    const again = (await reseal(jwe, [key], other)) ?? ''
    expect(await unseal(again, [key])).toBeUndefined()
    expect(await unseal(again, [other])).toMatchObject({ plaintext: 'grüße', header: PURPOSE })
  })

  it('does not open without its key, or under another one of the same name', async () => {
    expect(await unseal(jwe, [])).toBeUndefined()
    expect(await unseal(jwe, [other])).toBeUndefined()
    expect(await unseal(jwe, [{ ...other, kid: key.kid }])).toBeUndefined()
  })

  it.each([
    ['header', 0],
    ['initialization vector', 2],
    ['ciphertext', 3],
    ['tag', 4],
  ])('does not open with another %s, with a part of it, or without it', async (_name, at) => {
    const parts = jwe.split('.')
    const part = parts[at] ?? ''
    const changes = [
      `${part.startsWith('A') ? 'B' : 'A'}${part.slice(1)}`,
      part.slice(4),
      part.slice(0, -4),
      `${part}AAAA`,
      '',
    ]
    for (const changed of changes) {
      expect(await unseal(parts.with(at, changed).join('.'), [key]), changed).toBeUndefined()
    }
  })

  it('does not open with more parts or fewer, or with an encrypted key', async () => {
    const [header, , ...rest] = jwe.split('.')
    const changes = [
      `${jwe}.`,
      `.${jwe}`,
      [header, ...rest].join('.'),
      [header, 'AA', ...rest].join('.'),
    ]
    for (const changed of [...changes, '', '....', 'rot', 'bnVsbA....', 'MQ....']) {
      expect(await unseal(changed, [key]), changed).toBeUndefined()
    }
  })

  it('does not open where its header asks for what we do not know, though the key fits', async () => {
    const header = { alg: 'dir', enc: 'A256GCM', kid: key.kid }
    expect((await unseal(await sealWith(header), [key]))?.plaintext).toBe('text')
    expect(
      await unseal(await sealWith({ ...header, crit: ['novel'], novel: 1 }), [key]),
    ).toBeUndefined()
    const wrapped = await sealWith({ ...header, alg: 'A256GCMKW' })
    expect(await unseal(wrapped, [key])).toBeUndefined()
  })
})
