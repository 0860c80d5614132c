import { randomUUID } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { toVaultKey } from '../../src/adapters/vault/sealing/key-ring.ts'
import { seal } from '../../src/adapters/vault/sealing/sealed-text.ts'
import { identityOf } from '../../src/core/app.ts'
import type { AppRecord, Vault } from '../../src/core/vault.ts'
import { Secret } from '../../src/secret.ts'
import { app, HOUR, NOW } from '../support/builders.ts'
import { createClientKey } from '../support/client-keys.ts'
import {
  appRecord,
  loadOne,
  storeUpTo,
  vaultWorld,
  type VaultWorld,
} from '../support/vault-world.ts'

const APP = app().name
const FILE = `${APP}.jwe`
const NEXT = `${APP}.jwe.new`

let world: VaultWorld
let vault: Vault

beforeEach(async () => {
  world = vaultWorld()
  vault = await world.vault()
})

const inOrder = (record: AppRecord | undefined) => ({
  record,
  unanswered: false,
  damaged: false,
})

/** What a crash between the sync of the next record and its rename leaves. */
async function storedByHalf(of = app()): Promise<void> {
  const before = await storeUpTo(vault, 1, of)
  copyFileSync(world.path(`${of.name}.jwe`), world.path('kept'))
  await vault.records.store(of.name, appRecord(2, of))
  renameSync(world.path(`${of.name}.jwe`), world.path(`${of.name}.jwe.new`))
  renameSync(world.path('kept'), world.path(`${of.name}.jwe`))
  expect(before.generation).toBe(1)
}

describe('store', () => {
  it('keeps everything that a record can have', async () => {
    const record: AppRecord = {
      generation: 1,
      identity: { ...identityOf(app()), tokenEndpoint: 'https://issuer.example/token' },
      tokens: {
        accessToken: new Secret('at'),
        refreshToken: new Secret('rt'),
        receivedAt: NOW.wall,
        lifetimeMs: HOUR,
        draw: 0.75,
        scope: 'a b',
        subject: { id: 'sub', name: 'Zoë' },
      },
      askedScope: 'a b c',
      lost: { code: 'invalid_grant', message: 'Gone.', at: NOW.wall },
      clientSecret: new Secret('cs'),
      nextClientSecret: new Secret('ncs'),
      refreshTokenExpiresAt: NOW.wall + HOUR,
    }
    await vault.records.store(APP, record)
    const entry = { app: APP, identity: record.identity }
    const loaded = await (await world.vault()).records.load(entry)
    expect(loaded).toEqual(inOrder(record))
    expect(loaded?.record?.tokens?.subject?.name).toBe('Zoë')
    expect(loaded?.record?.nextClientSecret?.expose()).toBe('ncs')
  })

  it('keeps a token without an end, and a private key with all its lines', async () => {
    const key = createClientKey('rsa-4096').pem
    const { tokens, ...rest } = appRecord(1, app(), { clientSecret: new Secret(key) })
    const record = { ...rest, ...(tokens && { tokens: { ...tokens, lifetimeMs: null } }) }
    await vault.records.store(APP, record)
    const loaded = (await world.loadAnew())?.record
    expect(loaded?.tokens?.lifetimeMs).toBeNull()
    expect(loaded?.clientSecret?.expose()).toBe(key)
  })

  it('keeps a record that has nothing but its identity', async () => {
    const record = { generation: 1, identity: identityOf(app()) }
    await vault.records.store(APP, record)
    expect((await world.loadAnew())?.record).toStrictEqual(record)
  })

  it('leaves no secret readable, in a file that only its owner can read', async () => {
    await vault.records.store(APP, appRecord(1, app(), { clientSecret: new Secret('open-sesame') }))
    const file = readFileSync(world.path(FILE), 'utf8')
    expect(file).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+\n$/)
    expect(JSON.parse(Buffer.from(file.split('.')[0] ?? '', 'base64url').toString())).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: expect.any(String) as string,
      'evo-app': APP,
      'evo-kind': 'app',
    })
    expect(Buffer.from(file, 'base64url').toString('latin1')).not.toContain('open-sesame')
    expect(statSync(world.path(FILE)).mode & 0o777).toBe(0o600)
  })

  it('takes each generation after the one on disk', async () => {
    await storeUpTo(vault, 3)
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(3)))
    expect(world.names()).toEqual([FILE, 'vault.json'])
  })

  it.each([
    { generation: 2, why: 'is there already' },
    { generation: 4, why: 'is not the next' },
  ])('says "changed" to generation $generation, which $why', async ({ generation }) => {
    await storeUpTo(vault, 2)
    expect(await vault.records.store(APP, appRecord(generation))).toEqual({ kind: 'changed' })
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
  })

  it('says "changed" where another process deleted the record', async () => {
    await storeUpTo(vault, 2)
    rmSync(world.path(FILE))
    expect(await vault.records.store(APP, appRecord(3))).toEqual({ kind: 'changed' })
    expect(await vault.records.store(APP, appRecord(1))).toEqual({ kind: 'stored' })
  })

  it('says "changed" where the record on disk is of another identity', async () => {
    await storeUpTo(vault, 1, app({ clientId: 'native-other' }))
    expect(await vault.records.store(APP, appRecord(2))).toEqual({ kind: 'changed' })
  })

  it('stores over a record that was damaged meanwhile, which is set aside', async () => {
    await storeUpTo(vault, 2)
    writeFileSync(world.path(FILE), 'rot')
    await vault.records.reserve(APP, appRecord(2))
    expect(await vault.records.store(APP, appRecord(3))).toEqual({ kind: 'stored' })
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(3)))
    expect(world.names()).toContainEqual(expect.stringMatching(/^evo-me\.damaged-\d{8}T\d{9}Z$/))
  })

  it('does what it is asked for at once in the order in which it was asked', async () => {
    const results = await Promise.all([
      vault.records.store(APP, appRecord(1)),
      vault.records.reserve(APP, appRecord(1)),
      vault.records.store(APP, appRecord(2)),
      vault.records.store(APP, appRecord(3)),
    ])
    expect(results).toEqual(Array.from({ length: 4 }, () => ({ kind: 'stored' })))
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(3)))
  })

  it('keeps two apps apart that are stored at once', async () => {
    const other = app({ name: 'evo-me.new', clientId: 'native-2' })
    await Promise.all([storeUpTo(vault, 3), storeUpTo(vault, 5, other)])
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(3)))
    expect(await world.loadAnew(other)).toEqual(inOrder(appRecord(5, other)))
  })
})

describe('reserve', () => {
  it('really writes 64 KiB, once for a generation', async () => {
    await storeUpTo(vault, 1)
    expect(await vault.records.reserve(APP, appRecord(1))).toEqual({ kind: 'stored' })
    const { size, blocks, mode, mtimeNs } = statSync(world.path(NEXT), { bigint: true })
    expect(size).toBe(65_536n)
    expect(blocks * 512n).toBeGreaterThanOrEqual(65_536n)
    expect(mode & 0o777n).toBe(0o600n)

    expect(await vault.records.reserve(APP, appRecord(1))).toEqual({ kind: 'stored' })
    expect(statSync(world.path(NEXT), { bigint: true }).mtimeNs).toBe(mtimeNs)
  })

  it('makes room again where another process took it away', async () => {
    await vault.records.reserve(APP, appRecord(0))
    rmSync(world.path(NEXT))
    await vault.records.reserve(APP, appRecord(0))
    expect(statSync(world.path(NEXT)).size).toBe(65_536)
  })

  it('makes more room for a large record', async () => {
    const large = appRecord(0, app(), { clientSecret: new Secret('x'.repeat(50_000)) })
    await vault.records.reserve(APP, large)
    expect(statSync(world.path(NEXT)).size).toBeGreaterThan(130_000)
  })

  it('says "changed" where the record on disk is another, before anything is spent', async () => {
    await storeUpTo(vault, 2)
    expect(await vault.records.reserve(APP, appRecord(1))).toEqual({ kind: 'changed' })
    expect(world.names()).not.toContain(NEXT)
  })

  it('gives its blocks to the record that is stored then', async () => {
    await storeUpTo(vault, 1)
    await vault.records.reserve(APP, appRecord(1))
    const { ino } = statSync(world.path(NEXT))
    await vault.records.store(APP, appRecord(2))
    expect(statSync(world.path(FILE)).ino).toBe(ino)
    expect(statSync(world.path(FILE)).size).toBeLessThan(4096)
    expect(world.names()).not.toContain(NEXT)
  })
})

describe('an attempt', () => {
  it('is unanswered after a crash, also after the next', async () => {
    await storeUpTo(vault, 1)
    await vault.records.reserve(APP, appRecord(1))
    const unanswered = { record: appRecord(1), unanswered: true, damaged: false }
    expect(await world.loadAnew()).toEqual(unanswered)
    expect(await world.loadAnew()).toEqual(unanswered)
  })

  it('stays unanswered through the reservation of the next try', async () => {
    await storeUpTo(vault, 1)
    await vault.records.reserve(APP, appRecord(1))
    const second = await world.vault()
    await loadOne(second)
    await second.records.reserve(APP, appRecord(1))
    expect((await world.loadAnew())?.unanswered).toBe(true)
  })

  it.each(['store', 'takeIn'] as const)(
    'that %s brings from elsewhere is there with its record, wherever a kill comes',
    async (how) => {
      const sharing = { home: randomUUID(), number: 7, readerKey: 1 }
      const taken: AppRecord = { ...appRecord(2), sharing }
      const before = { record: appRecord(1), unanswered: false, damaged: false }
      const seen: unknown[] = []
      for (const step of ['opened', 'written', 'synced', 'renamed', 'directory-synced']) {
        const own = vaultWorld()
        await storeUpTo(await own.vault(), 1)
        const killed = await own.vault({
          onStep(name) {
            if (name === `store ${step}`) throw new Error('killed')
          },
        })
        await loadOne(killed)
        await expect(killed.records[how](APP, taken, true)).rejects.toThrow('killed')
        const after = await own.loadAnew()
        seen.push(after?.record?.generation)
        // A torn file may be an answer that was being written: that is told, and costs nothing.
        const expected = after?.record?.generation === 2 ? { record: taken, unanswered: true } : {}
        expect(after).toEqual({ ...before, unanswered: after?.unanswered, ...expected })
        expect(await own.loadAnew()).toEqual(after)
      }
      expect(seen).toEqual([1, 1, 1, 2, 2])
    },
  )

  it.each(['store', 'takeIn'] as const)(
    'is not lost where %s puts it together with the next record, wherever a kill comes',
    async (how) => {
      const seen: unknown[] = []
      for (const step of ['opened', 'written', 'synced', 'renamed', 'directory-synced']) {
        const own = vaultWorld()
        const first = await own.vault()
        await storeUpTo(first, 1)
        await first.records.reserve(APP, appRecord(1))
        const killed = await own.vault({
          onStep(name) {
            if (name === `store ${step}`) throw new Error('killed')
          },
        })
        await loadOne(killed)
        await expect(killed.records[how](APP, appRecord(2), true)).rejects.toThrow('killed')
        const after = await own.loadAnew()
        seen.push(after?.record?.generation)
        expect(after?.unanswered).toBe(true)
        expect(await own.loadAnew()).toEqual(after)
      }
      expect(seen).toEqual([1, 2, 2, 2, 2])
    },
  )

  it('that came with its record is over with the next one', async () => {
    await storeUpTo(vault, 1)
    await vault.records.store(APP, appRecord(2), true)
    expect((await world.loadAnew())?.unanswered).toBe(true)
    await vault.records.reserve(APP, appRecord(2))
    await vault.records.release(APP)
    expect((await world.loadAnew())?.unanswered).toBe(true)
    await vault.records.store(APP, appRecord(3))
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(3)))
  })

  it('of a first sign-in is told of without a record', async () => {
    await vault.records.reserve(APP, appRecord(0))
    expect(await world.loadAnew()).toEqual({ record: undefined, unanswered: true, damaged: false })
  })

  it.each(['store', 'release', 'remove'] as const)('is over with %s', async (end) => {
    await storeUpTo(vault, 1)
    await vault.records.reserve(APP, appRecord(1))
    await vault.records[end](APP, appRecord(2))
    expect((await world.loadAnew())?.unanswered ?? false).toBe(false)
    expect(world.names()).not.toContain(NEXT)
  })

  it.each([
    { size: 0, torn: 'before its first byte' },
    { size: 100, torn: 'in its header' },
    { size: 500, torn: 'in its content' },
  ])('is unanswered where its mark or its answer is torn $torn', async ({ size }) => {
    await storeUpTo(vault, 1)
    await vault.records.reserve(APP, appRecord(1))
    truncateSync(world.path(NEXT), size)
    const unanswered = { record: appRecord(1), unanswered: true, damaged: false }
    expect(await world.loadAnew()).toEqual(unanswered)

    const next = await world.vault()
    expect(await next.records.reserve(APP, appRecord(1))).toEqual({ kind: 'stored' })
    expect(await next.records.store(APP, appRecord(2))).toEqual({ kind: 'stored' })
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
  })

  it('that belongs to an older record is cleared away', async () => {
    await vault.records.reserve(APP, appRecord(0))
    copyFileSync(world.path(NEXT), world.path('kept'))
    await vault.records.store(APP, appRecord(1))
    renameSync(world.path('kept'), world.path(NEXT))
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(1)))
    expect(world.names()).not.toContain(NEXT)
  })
})

describe('a record that was stored by half', () => {
  it('is put in its place', async () => {
    await storedByHalf()
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
    expect(await (await world.vault()).records.store(APP, appRecord(3))).toEqual({ kind: 'stored' })
    expect(world.names()).not.toContain(NEXT)
  })

  it('is whole though the rest of the room behind it was not cut off', async () => {
    await storedByHalf()
    writeFileSync(world.path(NEXT), `${'rest of the mark'.repeat(9)}\n\n\n\n`, { flag: 'a' })
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
  })

  it('is the first one there is', async () => {
    await vault.records.store(APP, appRecord(1))
    renameSync(world.path(FILE), world.path(NEXT))
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(1)))
  })

  it('mends a damaged one', async () => {
    await storedByHalf()
    writeFileSync(world.path(FILE), 'rot')
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
    expect(world.names().some((name) => name.startsWith(`${APP}.damaged-`))).toBe(true)
  })

  it('is cleared away where it is older than the one in its place', async () => {
    await storeUpTo(vault, 1)
    copyFileSync(world.path(FILE), world.path('kept'))
    await vault.records.store(APP, appRecord(2))
    renameSync(world.path('kept'), world.path(NEXT))
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
    expect(world.names()).not.toContain(NEXT)
  })

  it('is set aside with its identity, where the config has changed meanwhile', async () => {
    await storedByHalf()
    const other = app({ clientId: 'native-other' })
    expect(await world.loadAnew(other)).toBeUndefined()
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
  })
})

describe('a record of another identity', () => {
  const other = app({ clientId: 'native-other' })
  const asides = () => world.names().filter((name) => name.includes('.aside'))

  it('is kept aside until the config fits it again', async () => {
    await storeUpTo(vault, 2)
    expect(await world.loadAnew(other)).toBeUndefined()
    expect(asides()).toEqual([expect.stringMatching(/^evo-me\.[0-9a-f]{16}\.aside$/)])
    await storeUpTo(await world.vault(), 1, other)

    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
    expect(await world.loadAnew(other)).toEqual(inOrder(appRecord(1, other)))
    expect(asides()).toHaveLength(1)
  })

  it.each(['issuer', 'clientId', 'type', 'tokenEndpoint'] as const)(
    'is one whose %s differs',
    async (property) => {
      await storeUpTo(vault, 1)
      const identity = { ...identityOf(app()), [property]: property === 'type' ? 'web' : 'other' }
      expect(await vault.records.load({ app: APP, identity })).toBeUndefined()
      expect(asides()).toHaveLength(1)
    },
  )

  it('takes the mark of its attempt along, there and back', async () => {
    await storeUpTo(vault, 1)
    await vault.records.reserve(APP, appRecord(1))
    expect(await world.loadAnew(other)).toBeUndefined()
    expect(asides()).toHaveLength(2)
    expect(await world.loadAnew()).toEqual({
      record: appRecord(1),
      unanswered: true,
      damaged: false,
    })
    expect(asides()).toEqual([])
  })

  it('never takes the place of one that is aside already', async () => {
    await storeUpTo(vault, 1)
    copyFileSync(world.path(FILE), world.path('copy'))
    await world.loadAnew(other)
    renameSync(world.path('copy'), world.path(FILE))
    await world.loadAnew(other)
    expect(asides()).toEqual([
      expect.stringMatching(/\.aside$/),
      expect.stringMatching(/\.aside-\d{8}T\d{9}Z$/),
    ])
  })

  it('does not come back over one that is there', async () => {
    await storeUpTo(vault, 1)
    await world.loadAnew(other)
    await vault.records.store(APP, appRecord(1))
    await vault.records.store(APP, appRecord(2))
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(2)))
    expect(asides()).toHaveLength(1)
  })
})

describe('a damaged record', () => {
  const bystander = app({ name: 'evo-pipeline', clientId: 'service-1', type: 'service' })
  const damaged = { record: undefined, unanswered: false, damaged: true }

  const ways = [
    { how: 'is empty', spoil: () => '' },
    { how: 'is truncated', spoil: (text: string) => text.slice(0, text.length / 2) },
    { how: 'is something else', spoil: () => 'hello' },
    { how: 'has five parts of nothing', spoil: () => '....' },
    ...['header', 'encrypted key', 'initialisation vector', 'content', 'tag'].map(
      (part, index) => ({
        how: `has a flipped bit in its ${part}`,
        spoil: (text: string) => flipped(text, index),
      }),
    ),
  ]

  it.each(ways)('that $how is set aside and costs that app alone', async ({ spoil }) => {
    await storeUpTo(vault, 2)
    await storeUpTo(vault, 2, bystander)
    const spoilt = spoil(readFileSync(world.path(FILE), 'utf8'))
    writeFileSync(world.path(FILE), spoilt)

    expect(await world.loadAnew()).toEqual(damaged)
    expect(await world.loadAnew(bystander)).toEqual(inOrder(appRecord(2, bystander)))
    const [name = ''] = world.names().filter((found) => found.startsWith(`${APP}.damaged-`))
    expect(readFileSync(world.path(name), 'utf8')).toBe(spoilt)
    expect(world.names()).not.toContain(FILE)
    expect(world.log.lines).toContainEqual({
      level: 'error',
      message: expect.stringContaining(name) as string,
    })
    expect(await (await world.vault()).records.store(APP, appRecord(1))).toEqual({ kind: 'stored' })
  })

  it('is one that belongs to another app', async () => {
    await storeUpTo(vault, 1)
    await storeUpTo(vault, 1, bystander)
    renameSync(world.path(FILE), world.path('swap'))
    renameSync(world.path('evo-pipeline.jwe'), world.path(FILE))
    renameSync(world.path('swap'), world.path('evo-pipeline.jwe'))
    expect(await world.loadAnew()).toEqual(damaged)
    expect(await world.loadAnew(bystander)).toEqual(damaged)
  })

  it('is one that is only the mark of an attempt', async () => {
    await vault.records.reserve(APP, appRecord(0))
    renameSync(world.path(NEXT), world.path(FILE))
    expect(await world.loadAnew()).toEqual(damaged)
  })

  it('is one that is a directory', async () => {
    mkdirSync(world.path(FILE))
    expect(await world.loadAnew()).toEqual(damaged)
  })

  it('is one under a key that the vault does not have', async () => {
    const key = await toVaultKey(new Secret(Buffer.alloc(32, 7).toString('base64url')))
    const content = JSON.stringify({ generation: 1, identity: identityOf(app()) })
    const purpose = { 'evo-app': APP, 'evo-kind': 'app' } as const
    writeFileSync(world.path(FILE), await seal(content, purpose, key))
    expect(await world.loadAnew()).toEqual(damaged)
  })

  it('leaves the vault open, even where every record is one', async () => {
    await storeUpTo(vault, 1)
    await storeUpTo(vault, 1, bystander)
    for (const name of [FILE, 'evo-pipeline.jwe']) writeFileSync(world.path(name), 'rot')
    expect(await world.loadAnew()).toEqual(damaged)
    expect(await world.loadAnew(bystander)).toEqual(damaged)
  })
})

describe('remove', () => {
  it('deletes the record and its reservation, and nothing of another identity', async () => {
    const other = app({ clientId: 'native-other' })
    await storeUpTo(vault, 1)
    await loadOne(vault, other)
    await storeUpTo(vault, 2, other)
    await vault.records.reserve(APP, appRecord(2, other))

    expect(await vault.records.remove(APP)).toEqual({ kind: 'stored' })

    expect(await world.loadAnew(other)).toBeUndefined()
    expect(await world.loadAnew()).toEqual(inOrder(appRecord(1)))
  })

  it('has nothing to do where there is no record', async () => {
    expect(await vault.records.remove(APP)).toEqual({ kind: 'stored' })
  })
})

describe('load', () => {
  it('brings a thousand apps, each its own', async () => {
    const apps = Array.from({ length: 1000 }, (_, index) =>
      app({ name: `app-${index}`, clientId: `native-${index}` }),
    )
    await Promise.all(apps.map((one) => vault.records.store(one.name, appRecord(1, one))))
    const { records } = await world.vault()
    const loaded = await Promise.all(
      apps.map((one) => records.load({ app: one.name, identity: identityOf(one) })),
    )
    expect(loaded.map((one) => one?.record)).toEqual(apps.map((one) => appRecord(1, one)))
  })

  it('tells nothing of an app of which there is nothing', async () => {
    expect(await world.loadAnew()).toBeUndefined()
  })
})

/** `jwe` with one bit changed in the middle of its part number `part`; that one may be empty. */
function flipped(jwe: string, part: number): string {
  const parts = jwe.trim().split('.')
  const bytes = Buffer.from(parts[part] ?? '', 'base64url')
  const middle = Math.floor(bytes.length / 2)
  if (bytes.length > 0) bytes[middle] = (bytes[middle] ?? 0) ^ 1
  parts[part] = bytes.length > 0 ? bytes.toString('base64url') : 'AQ'
  return `${parts.join('.')}\n`
}
