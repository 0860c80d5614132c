/** The number of the vault's format: what is fixed under it, and what older and newer numbers mean. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { recordSchema } from '../../src/adapters/vault/records/record-codec.ts'
import { HEADER_FORMAT, FORMAT_UNSHARED, headerSchema } from '../../src/adapters/vault/header.ts'
import type { Vault } from '../../src/core/vault.ts'
import { restore } from '../../src/core/stored-tokens.ts'
import { freshness } from '../../src/core/token.ts'
import { app, later, MINUTE, NOW } from '../support/builders.ts'
import { appRecord, loadOne, storeUpTo, vaultWorld } from '../support/vault-world.ts'
import { changeHeader, firstFormat, formatOf } from './first-format.ts'

const APP = app().name
const GOLDEN = join(import.meta.dirname, `../../src/adapters/vault/format-${HEADER_FORMAT}.json`)

const DECIDE = `What a vault holds is not what ${GOLDEN} says. Decide:
unknown members are kept, so an optional new member needs no new number: update that file.
Anything else (a member that is required, gone, or of another shape or meaning; a new kind of record)
raises FORMAT in header.ts, so that older versions find the vault locked and touch nothing; the
new number gets a file of its own, and this version has to read what the numbers before it wrote.`

it('has its shapes written down beside it', () => {
  const described = {
    header: z.toJSONSchema(headerSchema, { io: 'input' }),
    record: z.toJSONSchema(recordSchema, { io: 'input' }),
  }
  const golden: unknown = existsSync(GOLDEN) ? JSON.parse(readFileSync(GOLDEN, 'utf8')) : undefined
  expect(described, DECIDE).toEqual(golden)
})

describe('a vault of which a record is published to other hosts', () => {
  it('is of format 3 before that record is written, and stays it', async () => {
    const world = await firstFormat()
    const seen = new Set<unknown>()
    const onStep = (step: string) => {
      if (step.startsWith('store ')) seen.add(formatOf(world))
    }
    const vault = await world.vault({ onStep })
    const home = '00000000-0000-4000-8000-00000000000a'
    const sharing = { home, number: 1, readerKey: 1 }
    await vault.records.store(APP, { ...appRecord(2), sharing })
    expect([...seen]).toEqual([HEADER_FORMAT])
    await vault.records.store(APP, appRecord(3))
    expect(formatOf(world)).toBe(HEADER_FORMAT)
    expect((await world.loadAnew())?.record?.generation).toBe(3)
  })
})

describe('a vault of format 1', () => {
  it('opens, and nothing of it is changed by that', async () => {
    const world = await firstFormat()
    const before = world.snapshot()
    const loaded = await world.loadAnew()
    expect(loaded?.record).toMatchObject({ generation: 1, askedScope: 'a b' })
    expect(loaded?.record?.tokens?.refreshToken?.expose()).toBe('rt-1')
    expect(world.snapshot()).toEqual(before)
  })

  it('has tokens that follow the policy as it is now, with a draw in the middle', async () => {
    const tokens = (await (await firstFormat()).loadAnew())?.record?.tokens
    if (!tokens) throw new Error('no tokens')
    const restored = restore(tokens, NOW)
    expect(restored.draw).toBe(0.5)
    const at = (minutes: number, aheadMs: number) =>
      freshness(restored, later(minutes * MINUTE), { aheadMs })
    expect([at(50, 10 * MINUTE), at(51, 10 * MINUTE)]).toEqual(['fresh', 'stale'])
    expect([at(55, MINUTE), at(46, 15 * MINUTE)]).toEqual(['fresh', 'stale'])
  })

  it('keeps what only format 1 had, through a change that brings no new tokens', async () => {
    const world = await firstFormat()
    const vault = await world.vault()
    const record = (await loadOne(vault))?.record
    if (!record) throw new Error('no record')
    await vault.records.store(APP, { ...record, generation: 2 })
    expect(await world.content(`${APP}.jwe`)).toMatchObject({
      tokens: { refreshAfterMs: 50 * MINUTE, draw: 0.5, refreshToken: 'rt-1' },
    })
  })

  const writes: readonly (readonly [string, (vault: Vault) => Promise<unknown>])[] = [
    ['a record', (vault) => vault.records.store(APP, appRecord(2))],
    ['the mark of an attempt', (vault) => vault.records.reserve(APP, appRecord(1))],
    ['everything with a new key', (vault) => vault.keys.rotate((_app, work) => work())],
    ['the record of another app', (vault) => storeUpTo(vault, 1, app({ name: 'other' }))],
  ]

  it.each(writes)('is of format 2 before %s is written', async (_what, write) => {
    const world = await firstFormat()
    const seen = new Set<unknown>()
    const onStep = (step: string) => {
      if (/^(reserve|store|re-encrypted) /.test(step)) seen.add(formatOf(world))
    }
    const vault = await world.vault({ onStep })
    expect(formatOf(world)).toBe(1)
    await write(vault)
    expect([...seen]).toEqual([FORMAT_UNSHARED])
    expect(formatOf(world)).toBe(FORMAT_UNSHARED)
    expect((await world.loadAnew())?.damaged).toBe(false)
  })

  it('is of format 2 before a change of the key is finished that a kill interrupted', async () => {
    const world = await firstFormat()
    const killed = await world.vault({
      onStep(step) {
        if (step === 'key in use') throw new Error('killed')
      },
    })
    await expect(killed.keys.rotate((_app, work) => work())).rejects.toThrow('killed')
    changeHeader(world, { format: 1 })
    const seen = new Set<unknown>()
    await world.vault({
      onStep: (step) => step.startsWith('re-encrypted') && seen.add(formatOf(world)),
    })
    expect([...seen]).toEqual([FORMAT_UNSHARED])
  })

  it('is raised once for many apps that are stored at once', async () => {
    const world = await firstFormat()
    const vault = await world.vault()
    const apps = Array.from({ length: 20 }, (_, index) => app({ name: `app-${index}` }))
    await Promise.all(apps.map((one) => storeUpTo(vault, 1, one)))
    expect(formatOf(world)).toBe(FORMAT_UNSHARED)
    for (const one of apps) expect((await world.loadAnew(one))?.record?.generation).toBe(1)
  })
})

describe('a header that a newer version wrote', () => {
  it('of the same format keeps what that version added, through each change of it', async () => {
    const world = vaultWorld()
    const vault = await world.vault()
    changeHeader(world, { novelty: { deep: [1] } })
    await (await world.vault()).keys.rotate((_app, work) => work())
    await (await world.vault({ machineId: 'another', takeOver: true })).records.release(APP)
    expect(JSON.parse(readFileSync(world.path('vault.json'), 'utf8'))).toMatchObject({
      novelty: { deep: [1] },
      format: FORMAT_UNSHARED,
    })
    expect(vault.keys.digests()).toHaveLength(1)
  })
})
