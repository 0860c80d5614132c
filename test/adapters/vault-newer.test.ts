/** Records of a later version, taken through this one and back: what it added stays, what it changed waits. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { identityOf } from '../../src/core/app.ts'
import type { AppRecord, Vault } from '../../src/core/vault.ts'
import { Secret } from '../../src/secret.ts'
import { app, HOUR, NOW } from '../support/builders.ts'
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
const other = app({ clientId: 'native-other' })
const bystander = app({ name: 'bystander', clientId: 'native-2' })

const identity = { ...identityOf(app()) }

/** A record that this version can read, with additions at every level. */
const LATER = {
  generation: 4,
  identity: { ...identity, resource: 'https://api.example' },
  tokens: {
    accessToken: 'at',
    refreshToken: 'rt',
    receivedAt: NOW.wall,
    lifetimeMs: HOUR,
    draw: 0.125,
    subject: { id: 'ada', name: 'Ada', tenants: ['one', { two: null }] },
    idToken: 'secret of a later version',
  },
  askedScope: 'a b',
  lost: { error: 'invalid_grant', message: 'Gone.', at: NOW.wall, by: { server: 7 } },
  clientSecret: 'cs',
  privateKey: { kty: 'EC', d: 'secret of a later version' },
  unknownMembers: 'a name of ours',
  expose: [1.5, -1, 'x'],
}

/** What `LATER` is without that which this version can read. */
const CHANGED: readonly (readonly [string, unknown])[] = [
  ['no JSON', '{'],
  ['no object', [LATER]],
  ['a member with another shape', { ...LATER, clientSecret: { jwk: 'cs' } }],
  ['another kind of number', { ...LATER, generation: '4' }],
  ['another type of app', { ...LATER, identity: { ...LATER.identity, type: 'device' } }],
  ['a draw beyond our bounds', { ...LATER, tokens: { ...LATER.tokens, draw: 7 } }],
  ['tokens without one', { ...LATER, tokens: { refreshToken: 'rt' } }],
  ['no identity', { generation: 4, identities: [LATER.identity] }],
  ['a list of sessions', { generation: 4, identity, tokens: [LATER.tokens] }],
  ['a mark that is none', { ...LATER, attempt: 'again' }],
]

let world: VaultWorld
let vault: Vault

beforeEach(async () => {
  world = vaultWorld()
  vault = await world.vault()
})

async function loaded(of = app()): Promise<AppRecord> {
  const record = (await world.loadAnew(of))?.record
  if (!record) throw new Error('there is no record')
  return record
}

describe('what a later version added to a record', () => {
  beforeEach(() => world.plant(FILE, LATER))

  it('is written again with the rest of it', async () => {
    const record = await loaded()
    expect(await (await world.vault()).records.store(APP, { ...record, generation: 5 })).toEqual({
      kind: 'stored',
    })
    expect(await world.content(FILE)).toEqual({ ...LATER, generation: 5 })
  })

  it('stands in the mark of an attempt, too', async () => {
    const record = await loaded()
    await (await world.vault()).records.reserve(APP, record)
    expect(await world.content(NEXT)).toEqual({ ...LATER, attempt: true })
    expect((await world.loadAnew())?.unanswered).toBe(true)
  })

  it('is aside with the record, and comes back with it', async () => {
    const before = readFileSync(world.path(FILE))
    expect(await world.loadAnew(other)).toBeUndefined()
    await loaded()
    expect(readFileSync(world.path(FILE))).toEqual(before)
  })

  it('is under the new key after a change of the key', async () => {
    const before = readFileSync(world.path(FILE), 'utf8')
    await (await world.vault()).keys.rotate((_app, work) => work())
    expect(readFileSync(world.path(FILE), 'utf8')).not.toBe(before)
    expect(await world.content(FILE)).toEqual(LATER)
  })

  it('is never shown', async () => {
    const record = await loaded()
    expect(JSON.stringify(record)).not.toContain('later version')
    expect(record.unknownMembers?.expose()).toContain('later version')
  })

  it('ends with what it belongs to', async () => {
    const record = await loaded()
    const tokens = { accessToken: new Secret('at-5'), receivedAt: NOW.wall, lifetimeMs: 1, draw: 0 }
    const { lost, ...kept } = record
    await (await world.vault()).records.store(APP, { ...kept, generation: 5, tokens })
    const { lost: _over, ...stays } = LATER
    expect(await world.content(FILE)).toEqual({
      ...stays,
      generation: 5,
      tokens: { ...tokens, accessToken: 'at-5' },
    })
  })
})

const waiting = { record: undefined, unanswered: false, damaged: false, newer: true }

/** Everything that could change the files of the app. */
const changes: readonly (readonly [string, (of: Vault) => Promise<unknown>])[] = [
  ['a store', (of) => of.records.store(APP, appRecord(5))],
  ['a first store', (of) => of.records.store(APP, appRecord(1))],
  ['a reservation', (of) => of.records.reserve(APP, appRecord(4))],
  ['a first reservation', (of) => of.records.reserve(APP, appRecord(0))],
  ['a removal', (of) => of.records.remove(APP)],
]

describe.each(CHANGED)('a record of a later version with %s', (_what, content) => {
  beforeEach(async () => {
    await world.plant(FILE, content)
    await storeUpTo(vault, 2, bystander)
  })

  it('waits, whatever is asked of it, and no file of it moves', async () => {
    const before = world.snapshot()
    expect(await world.loadAnew()).toEqual(waiting)
    expect(await world.loadAnew(other)).toEqual(waiting)
    expect(await vault.records.isNewer({ app: APP, identity })).toBe(true)
    for (const [, change] of changes) expect(await change(vault)).toEqual({ kind: 'newer' })
    await vault.records.release(APP)
    expect(world.snapshot()).toEqual(before)
  })

  it('leaves other apps alone', async () => {
    expect(await loaded(bystander)).toEqual(appRecord(2, bystander))
    expect(await vault.records.store(bystander.name, appRecord(3, bystander))).toEqual({
      kind: 'stored',
    })
  })

  it('is whole when that version comes back, also under a new key', async () => {
    const before = readFileSync(world.path(FILE), 'utf8')
    await vault.keys.rotate((_app, work) => work())
    expect(readFileSync(world.path(FILE), 'utf8')).not.toBe(before)
    if (typeof content !== 'string') expect(await world.content(FILE)).toEqual(content)
    expect(await world.loadAnew()).toEqual(waiting)
  })

  it('goes on when that version, or its owner, has made room', async () => {
    expect(await world.loadAnew()).toEqual(waiting)
    await world.plant(FILE, LATER)
    expect((await loaded()).generation).toBe(4)
    expect(await vault.records.isNewer({ app: APP, identity })).toBe(false)
    renameSync(world.path(FILE), world.path('elsewhere'))
    expect(await world.loadAnew()).toBeUndefined()
    expect(await vault.records.store(APP, appRecord(1))).toEqual({ kind: 'stored' })
  })
})

it('is not what a disk says that cannot be read', async () => {
  await world.plant(FILE, '{')
  renameSync(world.dir, `${world.dir}-elsewhere`)
  writeFileSync(world.dir, '')
  expect(await vault.records.isNewer({ app: APP, identity })).toBe(false)
})

describe('a kind of record that only a later version knows', () => {
  it.each([
    ['in the place of a record', FILE, 'session'],
    ['in the place of the next', NEXT, 'session'],
    ['whose content says otherwise', FILE, 'attempt'],
  ])('waits %s', async (_where, name, kind) => {
    await world.plant(name, LATER, { 'evo-kind': kind })
    const before = world.snapshot()
    expect(await world.loadAnew()).toEqual(waiting)
    expect(world.snapshot()).toEqual(before)
  })
})

describe('the next record, or the mark of an attempt, of a later version', () => {
  const next = { generation: 3, identity, attempt: 'again' }

  it.each([
    ['beside a record', () => storeUpTo(vault, 2)],
    ['beside a record of what the app was', () => storeUpTo(vault, 2, other)],
    [
      'beside a damaged one',
      async () => {
        writeFileSync(world.path(FILE), 'rot')
      },
    ],
    ['alone', async () => undefined],
  ])('waits %s, and no file moves', async (_where, prepare) => {
    await prepare()
    await world.plant(NEXT, next, { 'evo-kind': 'attempt' })
    const before = world.snapshot()
    expect(await world.loadAnew()).toEqual(waiting)
    expect(await vault.records.isNewer({ app: APP, identity })).toBe(true)
    const anew = await world.vault()
    expect(await anew.records.reserve(APP, appRecord(2))).not.toEqual({ kind: 'stored' })
    expect(await anew.records.store(APP, appRecord(3))).not.toEqual({ kind: 'stored' })
    expect(await anew.records.remove(APP)).toEqual({ kind: 'newer' })
    await anew.records.release(APP)
    expect(world.snapshot()).toEqual(before)
  })

  it('that appears after a reservation of ours is not written over', async () => {
    await storeUpTo(vault, 2)
    const anew = await world.vault()
    await world.plant(NEXT, next, { 'evo-kind': 'attempt' })
    const before = world.snapshot()
    for (const work of [
      () => anew.records.reserve(APP, appRecord(2)),
      () => anew.records.store(APP, appRecord(3)),
      () => anew.records.remove(APP),
    ]) {
      expect(await work()).toEqual({ kind: 'newer' })
    }
    await anew.records.release(APP)
    expect(world.snapshot()).toEqual(before)
  })
})

describe('a record of a later version that is aside', () => {
  const asideOf = () => world.names().find((name) => name.endsWith('.aside')) ?? ''

  it.each([
    ['itself', ''],
    ['with its mark', '.new'],
  ])('stays there while the config asks for it: %s', async (_what, suffix) => {
    await storeUpTo(vault, 2)
    await loadOne(vault, other)
    await world.plant(`${asideOf()}${suffix}`, { generation: 2, novelty: true })
    const before = world.snapshot()
    expect(await world.loadAnew()).toEqual(waiting)
    expect(await vault.records.isNewer({ app: APP, identity })).toBe(true)
    expect(world.snapshot()).toEqual(before)
  })

  it('does not keep the app from what it is now', async () => {
    await storeUpTo(vault, 2)
    await loadOne(vault, other)
    await world.plant(asideOf(), { generation: 2, novelty: true })
    await storeUpTo(vault, 1, other)
    const kept = readFileSync(world.path(asideOf()))
    expect(await loaded(other)).toEqual(appRecord(1, other))
    expect(await vault.records.isNewer({ app: APP, identity: identityOf(other) })).toBe(false)

    // Back again: the one that is readable goes aside, the other one stays where it is.
    expect(await world.loadAnew()).toEqual(waiting)
    expect(readFileSync(world.path(asideOf()))).toEqual(kept)
    expect(await loaded(other)).toEqual(appRecord(1, other))
  })

  it('lets the app go on once it is put away', async () => {
    await storeUpTo(vault, 2)
    await loadOne(vault, other)
    await world.plant(asideOf(), { generation: 2, novelty: true })
    rmSync(world.path(asideOf()))
    expect(await world.loadAnew()).toBeUndefined()
  })
})
