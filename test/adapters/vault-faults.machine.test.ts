import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireLock } from '../../src/adapters/process/lock.ts'
import { FORMAT_UNSHARED } from '../../src/adapters/vault/header.ts'
import type { Vault } from '../../src/core/vault.ts'
import { Secret } from '../../src/secret.ts'
import { app } from '../support/builders.ts'
import { itNeeds } from '../support/needs.ts'
import { mountSmallDisk, noSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { until } from '../support/until.ts'
import {
  appRecord,
  loadOne,
  storeUpTo,
  vaultWorld,
  type VaultWorld,
} from '../support/vault-world.ts'
import { firstFormat, formatOf } from './first-format.ts'

const APP = app().name
const FILE = `${APP}.jwe`
const NEXT = `${APP}.jwe.new`

const missing = noSmallDisk()
const itOnADisk = itNeeds(missing)

let disk: SmallDisk
let world: VaultWorld
let vault: Vault

beforeEach(async () => {
  if (missing !== undefined) return
  disk = mountSmallDisk()
  world = vaultWorld(disk.path)
  vault = await world.vault()
  await storeUpTo(vault, 1)
})

afterEach(() => {
  if (missing === undefined) disk[Symbol.dispose]()
})

const stored = { kind: 'stored' }
const unwritable = (words: string) => ({
  kind: 'unwritable',
  failure: { code: 'vault_unwritable', message: expect.stringContaining(words) as string },
})
const inOrder = (generation: number) => ({
  record: appRecord(generation),
  unanswered: false,
  damaged: false,
})

describe('on a full disk', () => {
  itOnADisk('no room can be reserved, and what was stored is still there', async () => {
    disk.fill()
    const before = world.snapshot()
    expect(await vault.records.reserve(APP, appRecord(1))).toEqual(
      unwritable(
        `No room could be reserved for the next record of "${APP}" in ${world.dir}: the disk is full (ENOSPC). Make room there.`,
      ),
    )
    expect(world.snapshot()).toEqual(before)
    disk.empty()
    expect(await vault.records.reserve(APP, appRecord(1))).toEqual(stored)
  })

  itOnADisk('a reservation that fits only in part leaves nothing behind', async () => {
    disk.fill(32 * 1024)
    expect((await vault.records.reserve(APP, appRecord(1))).kind).toBe('unwritable')
    expect(world.names()).toEqual([FILE, 'vault.json'])
  })

  itOnADisk('a record is stored in the room that was reserved for it', async () => {
    await vault.records.reserve(APP, appRecord(1))
    disk.fill()
    expect(await vault.records.store(APP, appRecord(2))).toEqual(stored)
    expect(await loadOne(vault)).toEqual(inOrder(2))
  })

  itOnADisk(
    'the room of a reservation is never let go, though a program waits for it',
    async () => {
      const filler = join(disk.path, 'competitor')
      for (let generation = 1; generation <= 10; generation++) {
        await vault.records.reserve(APP, appRecord(generation))
        const greedy = spawn('sh', ['-c', 'while :; do printf %4096s x; done >> "$0"', filler], {
          stdio: 'ignore',
        })
        await until(
          'the disk is full',
          () => statfsSync(disk.path).bavail,
          (free) => free === 0,
        )
        const result = await vault.records.store(APP, appRecord(generation + 1))
        const ended = once(greedy, 'exit')
        greedy.kill('SIGKILL')
        await ended
        rmSync(filler)
        expect(result).toEqual(stored)
      }
    },
  )

  itOnADisk('a record without a reservation is refused, and can be stored later', async () => {
    disk.fill()
    const before = world.snapshot()
    expect(await vault.records.store(APP, appRecord(2))).toEqual(
      unwritable('the disk is full (ENOSPC)'),
    )
    expect(world.snapshot()).toEqual(before)
    expect(await loadOne(vault)).toEqual(inOrder(1))
    disk.empty()
    expect(await vault.records.store(APP, appRecord(2))).toEqual(stored)
  })

  itOnADisk(
    'a record that outgrew its reservation is refused, and can be stored later',
    async () => {
      await vault.records.reserve(APP, appRecord(1))
      disk.fill()
      const large = appRecord(2, app(), { clientSecret: new Secret('x'.repeat(100_000)) })
      expect(await vault.records.store(APP, large)).toEqual(unwritable('the disk is full (ENOSPC)'))
      // A daemon that crashed now would know that an answer was lost, and still have the record.
      expect(await world.loadAnew()).toEqual({ ...inOrder(1), unanswered: true })
      disk.empty()
      expect(await vault.records.store(APP, large)).toEqual(stored)
      expect(await world.loadAnew()).toEqual({ ...inOrder(1), record: large })
    },
  )

  itOnADisk('a damaged record is told of all the same', async () => {
    writeFileSync(world.path(FILE), 'rot')
    disk.fill()
    expect(await loadOne(vault)).toMatchObject({ damaged: true })
  })

  itOnADisk('the daemon can still be locked', async () => {
    disk.fill()
    const lock = await acquireLock(`${disk.path}/lock`)
    expect(lock.kind).toBe('held')
    if (lock.kind === 'held') lock.release()
  })

  itOnADisk('a change of the key is refused, loses nothing and is finished later', async () => {
    const filledInBetween = async (_app: string, work: () => Promise<void>) => {
      disk.fill()
      await work()
    }
    await expect(vault.keys.rotate(filledInBetween)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('(ENOSPC)') as string,
    })
    expect(await loadOne(vault)).toEqual(inOrder(1))
    expect(await world.loadAnew()).toEqual(inOrder(1))
    expect(await world.keys.file.read('')).toMatchObject({ keys: { length: 2 } })
    disk.empty()
    expect(await world.loadAnew()).toEqual(inOrder(1))
    expect(await world.keys.file.read('')).toMatchObject({ keys: { length: 1 } })
  })

  itOnADisk('no vault is made', async () => {
    using empty = mountSmallDisk(16)
    const fresh = vaultWorld(empty.path)
    empty.fill()
    expect(await fresh.open()).toMatchObject({
      kind: 'locked',
      failure: { message: expect.stringContaining('the disk is full (ENOSPC)') as string },
    })
    empty.empty()
    expect((await fresh.open()).kind).toBe('open')
  })
})

/** Root may read and write everything: its rights rest while `test` runs. */
function itAsPerson(name: string, test: () => Promise<void>): void {
  it(name, async () => {
    const uid = process.geteuid?.()
    if (uid === 0) process.seteuid?.('nobody')
    try {
      await test()
    } finally {
      if (uid === 0) process.seteuid?.(uid)
    }
  })
}

describe('in a directory that may not be written', () => {
  itAsPerson('nothing can be stored, and what is there is served', async () => {
    const own = vaultWorld()
    const open = await own.vault()
    await storeUpTo(open, 1)
    chmodSync(own.dir, 0o500)
    const refused = unwritable('permission is denied (EACCES). Let the user that runs evo-token')
    expect(await open.records.reserve(APP, appRecord(1))).toEqual(refused)
    expect(await open.records.store(APP, appRecord(2))).toEqual(refused)
    expect(await own.loadAnew()).toEqual(inOrder(1))
    chmodSync(own.dir, 0o700)
    expect(await open.records.store(APP, appRecord(2))).toEqual(stored)
  })
})

describe('a record that may not be read', () => {
  itAsPerson('waits until it may, and gives way to a newer one', async () => {
    const own = vaultWorld()
    const open = await own.vault()
    await storeUpTo(open, 1)
    const record = join(own.dir, FILE)
    chmodSync(record, 0)
    await expect(own.loadAnew()).rejects.toThrow(`The record ${record} cannot be read now`)
    chmodSync(record, 0o600)
    expect(await own.loadAnew()).toEqual(inOrder(1))
    chmodSync(record, 0)
    expect(await open.records.store(APP, appRecord(2))).toEqual(stored)
    expect(await own.loadAnew()).toEqual(inOrder(2))
  })
})

describe('in a directory whose changes cannot be synced', () => {
  itAsPerson('a record that is in its place all the same is stored again', async () => {
    const own = vaultWorld()
    const open = await own.vault()
    await storeUpTo(open, 1)
    // Files can be made and renamed in it, but the directory itself cannot be opened to be synced.
    chmodSync(own.dir, 0o300)
    expect(await open.records.store(APP, appRecord(2))).toEqual(unwritable('(EACCES)'))
    chmodSync(own.dir, 0o700)
    expect(await open.records.store(APP, appRecord(2, app(), { askedScope: 'newer' }))).toEqual(
      stored,
    )
    expect((await own.loadAnew())?.record?.askedScope).toBe('newer')
    expect(await open.records.store(APP, appRecord(2))).toEqual({ kind: 'changed' })
  })
})

describe('on a read-only disk', () => {
  itOnADisk('nothing can be reserved, stored or deleted, and what is there is served', async () => {
    const before = world.snapshot()
    disk.makeReadOnly(true)
    const refused = unwritable('the file system is read-only (EROFS). Mount it writable.')
    expect(await vault.records.reserve(APP, appRecord(1))).toEqual(refused)
    expect(await vault.records.store(APP, appRecord(2))).toEqual(refused)
    expect(await vault.records.remove(APP)).toEqual(refused)
    await vault.records.release(APP)
    expect(await world.loadAnew()).toEqual(inOrder(1))
    expect(world.snapshot()).toEqual(before)
    disk.makeReadOnly(false)
    expect(await vault.records.store(APP, appRecord(2))).toEqual(stored)
  })

  itOnADisk('a record that was stored by half is served, and put in its place later', async () => {
    copyFileSync(world.path(FILE), world.path('kept'))
    await vault.records.store(APP, appRecord(2))
    renameSync(world.path(FILE), world.path(NEXT))
    renameSync(world.path('kept'), world.path(FILE))
    disk.makeReadOnly(true)
    const next = await world.vault()
    expect(await loadOne(next)).toEqual(inOrder(2))
    expect(await next.records.store(APP, appRecord(3))).toEqual(unwritable('(EROFS)'))

    disk.makeReadOnly(false)
    expect(await next.records.reserve(APP, appRecord(2))).toEqual(stored)
    expect(await next.records.store(APP, appRecord(3))).toEqual(stored)
    expect(await world.loadAnew()).toEqual(inOrder(3))
  })

  itOnADisk('the vault of another machine is not taken over, and says why', async () => {
    disk.makeReadOnly(true)
    expect(await world.open({ machineId: 'f'.repeat(32), takeOver: true })).toMatchObject({
      kind: 'locked',
      failure: { code: 'vault_unwritable' },
    })
    disk.makeReadOnly(false)
  })

  itOnADisk('a vault of format 1 takes no record, as its number cannot be raised', async () => {
    using other = mountSmallDisk()
    const first = await firstFormat(other.path)
    const before = await first.vault()
    other.makeReadOnly(true)
    expect(await before.records.store(APP, appRecord(2))).toMatchObject({ kind: 'unwritable' })
    other.makeReadOnly(false)
    expect(formatOf(first)).toBe(1)
    expect((await first.loadAnew())?.record?.generation).toBe(1)
    expect(await before.records.store(APP, appRecord(2))).toEqual({ kind: 'stored' })
    expect(formatOf(first)).toBe(FORMAT_UNSHARED)
  })
})
