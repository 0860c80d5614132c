/** Copies of records for other hosts: who can open which, and what they are bound to. */
import { describe, expect, it } from 'vitest'
import { ReaderKeys } from '../../../src/adapters/share/reader-keys.ts'
import { SealedCopies } from '../../../src/adapters/vault/copies/sealed-copies.ts'
import { toVaultKey } from '../../../src/adapters/vault/sealing/key-ring.ts'
import type { RecordCopy } from '../../../src/core/vault.ts'
import { Secret } from '../../../src/secret.ts'
import { appRecord } from '../../support/vault-world.ts'

const DIGEST = 'a'.repeat(64)
const HOME = '00000000-0000-4000-8000-00000000000a'

async function copiesWith(...bytes: readonly number[]): Promise<SealedCopies> {
  const [first, ...rest] = await Promise.all(
    bytes.map((byte) => toVaultKey(new Secret(Buffer.alloc(32, byte).toString('base64url')))),
  )
  if (!first) throw new Error('no key')
  return new SealedCopies({
    ring: [first, ...rest],
    whyNotInPlace: () => undefined,
    raiseFormat: async () => undefined,
  })
}

function copy(readerKey = 1): RecordCopy {
  const record = { ...appRecord(3), sharing: { home: HOME, number: 9, readerKey } }
  const access = { accessToken: new Secret('at-3'), endsAt: 1_000, scope: 'a b' }
  return {
    app: 'crm',
    identityDigest: DIGEST,
    number: 9,
    generation: 3,
    record,
    unanswered: true,
    access,
  }
}

async function sealed(copies: SealedCopies, readerKey?: number) {
  const { app, identityDigest, number, generation } = copy()
  return { app, identityDigest, number, generation, ...(await copies.seal(copy(readerKey))) }
}

async function readerOf(copies: SealedCopies, app: string, number: number): Promise<ReaderKeys> {
  const lines = copies
    .readerKeys(app, number)
    .map((key) => JSON.stringify({ app, number, key: key.expose() }))
  return ReaderKeys.from('keys', lines.join('\n'))
}

describe('the copy of a session', () => {
  it('opens at a keeper with the same vault key, with its mark', async () => {
    const row = await sealed(await copiesWith(1))
    const opened = await (await copiesWith(2, 1)).openSession(row)
    expect(opened).toMatchObject({ kind: 'opened', value: { unanswered: true } })
    if (opened.kind !== 'opened') return
    expect(opened.value.record.tokens?.refreshToken?.expose()).toBe('rt-3')
    expect(opened.value.record.sharing).toEqual({ home: HOME, number: 9, readerKey: 1 })
  })

  it('misses a key where it was sealed with another one, and is not called damaged', async () => {
    const row = await sealed(await copiesWith(1))
    expect(await (await copiesWith(2)).openSession(row)).toEqual({ kind: 'unknown-key' })
  })

  it.each([
    ['app', { app: 'other' }],
    ['identity', { identityDigest: 'b'.repeat(64) }],
    ['home', { number: 10 }],
    ['generation', { generation: 4 }],
  ])('belongs to its row alone: not to another %s', async (_what, change) => {
    const copies = await copiesWith(1)
    const row = { ...(await sealed(copies)), ...change }
    expect(await copies.openSession(row)).toEqual({ kind: 'broken' })
    expect(await copies.openAccess(row)).toMatchObject({
      kind: 'app' in change ? 'unknown-key' : 'broken',
    })
  })

  it('is no copy of an access token, and the other way round', async () => {
    const copies = await copiesWith(1)
    const row = await sealed(copies)
    expect(await copies.openSession({ ...row, session: row.access ?? '' })).toEqual({
      kind: 'unknown-key',
    })
    expect(await copies.openAccess({ ...row, access: row.session })).toEqual({ kind: 'broken' })
  })
})

describe('the copy of an access token', () => {
  it('opens at a reader with the key of its app and number only', async () => {
    const copies = await copiesWith(1)
    const row = await sealed(copies)
    const opened = await (await readerOf(copies, 'crm', 1)).openAccess(row)
    if (opened.kind !== 'opened') throw new Error(opened.kind)
    expect(opened.value).toMatchObject({ endsAt: 1_000, scope: 'a b' })
    expect(opened.value.accessToken.expose()).toBe('at-3')
    for (const [app, number] of [
      ['crm', 2],
      ['other', 1],
    ] as const) {
      const keys = await readerOf(copies, app, number)
      expect(await keys.openAccess(row)).toEqual({ kind: 'unknown-key' })
    }
    expect(await (await readerOf(await copiesWith(2), 'crm', 1)).openAccess(row)).toEqual({
      kind: 'unknown-key',
    })
  })

  it('is sealed with another key once that was renewed; keepers open both', async () => {
    const copies = await copiesWith(1)
    const row = await sealed(copies, 2)
    expect(await (await readerOf(copies, 'crm', 1)).openAccess(row)).toEqual({
      kind: 'unknown-key',
    })
    expect(await (await readerOf(copies, 'crm', 2)).openAccess(row)).toMatchObject({
      kind: 'opened',
    })
    expect(await copies.openAccess(row)).toMatchObject({ kind: 'opened' })
  })

  it('opens no session', async () => {
    const copies = await copiesWith(1)
    const row = await sealed(copies)
    const keys = await readerOf(copies, 'crm', 1)
    expect(await keys.openAccess({ ...row, access: row.session })).toEqual({ kind: 'unknown-key' })
  })
})

describe('a file of reader keys', () => {
  it.each(['{}', 'x', '{"app":"crm","number":0,"key":"x"}'])(
    'with %j is refused with its line',
    async (line) => {
      await expect(ReaderKeys.from('/keys', `\n${line}\n`)).rejects.toMatchObject({
        code: 'config',
        message: '/keys, line 2: this is not a reader key.',
      })
    },
  )
})
