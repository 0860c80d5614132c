import { readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { KeyPlaces } from '../../src/adapters/vault/key-places/key-place.ts'
import { createKeyPlaces } from '../../src/adapters/vault/key-places/key-places.ts'
import type { Vault } from '../../src/core/vault.ts'
import { Secret } from '../../src/secret.ts'
import { app } from '../support/builders.ts'
import {
  expectEverything,
  expectOnePlace,
  furnish,
  header,
  inProcess,
  keyIds,
  withOtherPlace,
} from '../support/furnished-vault.ts'
import { until } from '../support/until.ts'
import {
  appRecord,
  loadOne,
  storeUpTo,
  temporaryDirectory,
  uid,
  vaultWorld,
  type VaultWorld,
} from '../support/vault-world.ts'

const directly = (_app: string, work: () => Promise<void>) => work()

let world: VaultWorld
let vault: Vault

beforeEach(async () => {
  world = vaultWorld()
  vault = await world.vault()
  await furnish(vault, world)
})

const ROTATE = 'await vault.keys.rotate((app, work) => work())'
const ROTATION = [
  'key added',
  'key in use',
  're-encrypted attempting',
  're-encrypted attempting',
  're-encrypted evo-me',
  're-encrypted evo-me',
  're-encrypted retired',
  'old key dropped',
]

describe('rotateKey', () => {
  it('puts everything under a new key and forgets the old one', async () => {
    const before = readFileSync(world.keyFile, 'utf8')
    const { kid } = header(world)
    await vault.keys.rotate(directly)
    expect(header(world).kid).not.toBe(kid)
    expect(new Set(keyIds(world))).toEqual(new Set([header(world).kid]))
    expect(readFileSync(world.keyFile, 'utf8')).not.toContain(before.trim())
    await expectEverything(world)
  })

  it('goes on storing under the new key', async () => {
    await vault.keys.rotate(directly)
    expect(await vault.records.store('evo-me', appRecord(3))).toEqual({ kind: 'stored' })
    expect((await world.loadAnew())?.record).toEqual(appRecord(3))
  })

  it('keeps the room of a reservation', async () => {
    await vault.keys.rotate(directly)
    expect(readFileSync(world.path('attempting.jwe.new'))).toHaveLength(65_536)
  })

  it('touches the files of each app in that app’s queue', async () => {
    const queued: string[] = []
    const kids = () => readFileSync(world.path('evo-me.jwe'), 'utf8').split('.')[0]
    const before = kids()
    await vault.keys.rotate(async (name, work) => {
      queued.push(name)
      if (name === 'evo-me') expect(kids()).toBe(before)
      await work()
      if (name === 'evo-me') expect(kids()).not.toBe(before)
    })
    expect(queued.sort()).toEqual(['attempting', 'evo-me', 'retired'])
  })

  it('misses no record that is stored meanwhile', async () => {
    const late = app({ name: 'late' })
    await Promise.all([
      vault.keys.rotate(directly),
      storeUpTo(vault, 20, late),
      vault.records.store('evo-me', appRecord(3)),
    ])
    expect((await world.loadAnew(late))?.record).toEqual(appRecord(20, late))
    expect((await world.loadAnew())?.record).toEqual(appRecord(3))
    expect(new Set(keyIds(world))).toEqual(new Set([header(world).kid]))
  })

  it('waits for a record that was begun under the old key and has no file yet', async () => {
    const large = appRecord(1, app({ name: 'late' }), {
      clientSecret: new Secret('x'.repeat(20_000_000)),
    })
    // The header with the new key is in its place, but not synced yet: the old key still writes.
    let storing: Promise<unknown> | undefined
    const watcher = watch(world.dir, (_event, name) => {
      if (name === 'vault.json') storing ??= vault.records.store('late', large)
    })
    await vault.keys.rotate(directly)
    await until('the header has changed', () => storing !== undefined)
    watcher.close()
    expect(await storing).toEqual({ kind: 'stored' })
    const loaded = await loadOne(await world.vault(), app({ name: 'late' }))
    expect(loaded?.record?.clientSecret?.sha256).toBe(large.clientSecret?.sha256)
  })

  it('is done twice where it is asked for twice', async () => {
    await Promise.all([vault.keys.rotate(directly), vault.keys.rotate(directly)])
    expect(readFileSync(world.keyFile, 'utf8').split('\n')).toHaveLength(2)
    await expectEverything(world)
  })

  it('goes through the steps that the next tests kill it after', async () => {
    const { end, steps } = await inProcess(world, ROTATE)
    expect(end).toBe(0)
    expect([steps[0], steps[1], ...steps.slice(2, -2).sort(), ...steps.slice(-2)]).toEqual([
      ...ROTATION,
      'done',
    ])
  })

  it.each(ROTATION.map((step, index) => ({ number: index + 1, step: step.split(' ')[0] })))(
    'is finished by the next start when it is killed after step $number ($step)',
    async ({ number }) => {
      const { kid } = header(world)
      const { end } = await inProcess(world, ROTATE, { kill: number })
      expect(end).toBe('SIGKILL')

      await world.vault()

      expect(header(world).kid).not.toBe(kid)
      expect(new Set(keyIds(world))).toEqual(new Set([header(world).kid]))
      expect(await world.keys.file.read('')).toMatchObject({ keys: { length: 1 } })
      await expectEverything(world)
    },
  )

  it('loses nothing when the start that finishes it is killed too', async () => {
    await inProcess(world, ROTATE, { kill: 4 })
    await inProcess(world, '', { kill: 1 })
    await inProcess(world, '', { kill: 2 })
    await expectEverything(world)
    expect(new Set(keyIds(world))).toEqual(new Set([header(world).kid]))
  })
})

describe('the key in a credential', () => {
  let credentials: string
  let keys: KeyPlaces
  const lines = (...bytes: number[]) => {
    const text = bytes.map((byte) => `${Buffer.alloc(32, byte).toString('base64')}\n`).join('')
    writeFileSync(join(credentials, 'vault-key'), text)
  }

  beforeEach(async () => {
    credentials = temporaryDirectory()
    const env = { CREDENTIALS_DIRECTORY: credentials }
    world = vaultWorld()
    keys = createKeyPlaces({ keyFile: world.keyFile, env, uid })
    lines(1)
    vault = await world.vault({ source: 'credential', keys })
    await furnish(vault, world)
  })

  it('cannot be changed by us, and says how it is', async () => {
    const before = world.snapshot()
    await expect(vault.keys.rotate(directly)).rejects.toMatchObject({
      code: 'invalid_request',
      hint: expect.stringMatching(/first line.*old one on the second, and restart/) as string,
    })
    expect(world.snapshot()).toEqual(before)
  })

  it('is changed by a new first line, and the old line can go then', async () => {
    const { kid } = header(world)
    lines(2, 1)
    await world.vault({ source: 'credential', keys })
    expect(header(world).kid).not.toBe(kid)
    expect(new Set(keyIds(world))).toEqual(new Set([header(world).kid]))
    expect(world.log.lines).toContainEqual({
      level: 'info',
      message: expect.stringContaining('the old line of the credential can be deleted') as string,
    })

    lines(2)
    await expectEverything(world, keys)
  })

  it('locks the vault where the old line goes too early, and opens it when it is back', async () => {
    lines(2)
    const before = world.snapshot()
    expect((await world.open({ source: 'credential', keys })).kind).toBe('locked')
    expect(world.snapshot()).toEqual(before)
    lines(2, 1)
    await expectEverything(world, keys)
  })

  it('moves to a file', async () => {
    await vault.keys.move('file')
    expect(header(world)).toMatchObject({ source: 'file' })
    rmSync(join(credentials, 'vault-key'))
    await expectEverything(world)
  })
})

describe('moveKey', () => {
  const MOVE = "await vault.keys.move('keychain')"
  const MOVING = ['announced', 'copied', 'moved', 'emptied']

  it('moves the key and leaves none behind', async () => {
    const { keys, path } = withOtherPlace(world)
    const key = readFileSync(world.keyFile, 'utf8')
    await (await world.vault({ keys })).keys.move('keychain')
    expect(header(world)).toMatchObject({ source: 'keychain' })
    expect(header(world)).not.toHaveProperty('leaving')
    expect(readFileSync(path, 'utf8')).toBe(key)
    expect(Object.keys(world.snapshot())).not.toContain(world.keyFile)
    await expectEverything(world, keys)
  })

  it('refuses to move it where it is', async () => {
    await expect(vault.keys.move('file')).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'The vault key is already in the file.',
    })
  })

  it('changes nothing where the new place does not take it', async () => {
    const refusal = {
      kind: 'refused',
      message: 'The keychain is locked.',
      hint: 'Unlock it.',
    } as const
    const refusing = async () => refusal
    const keychain = {
      source: 'keychain',
      read: refusing,
      write: refusing,
      remove: refusing,
    } as const
    const before = world.snapshot()
    const keys = { ...world.keys, keychain }
    await expect((await world.vault({ keys })).keys.move('keychain')).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The keychain is locked.',
      hint: 'Unlock it.',
    })
    expect(world.snapshot()).toEqual(before)
  })

  it('changes nothing where the new place reads but does not take it', async () => {
    const { keys } = withOtherPlace(world)
    const write = async () => ({ kind: 'refused', message: 'No.', hint: 'Why?' }) as const
    const half = { ...keys, keychain: { ...keys.keychain, write } }
    const before = world.snapshot()
    await expect((await world.vault({ keys: half })).keys.move('keychain')).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(world.snapshot()).toEqual(before)
  })

  it('deletes the old copy at the next start where the old place cannot be asked now', async () => {
    const { keys, path } = withOtherPlace(world)
    await (await world.vault({ keys })).keys.move('keychain')
    const locked = async () => ({ kind: 'refused', message: 'It is locked.', hint: '' }) as const
    const open = await world.vault({ source: 'auto', keys })
    Object.assign(keys.keychain, { read: locked })
    await open.keys.move('file')
    expect(header(world)).toMatchObject({ source: 'file', leaving: 'keychain' })
    expect(readFileSync(path, 'utf8')).toBe(readFileSync(world.keyFile, 'utf8'))
    await expectOnePlace(world)
  })

  it('never takes the place of another key', async () => {
    const { keys, path } = withOtherPlace(world)
    writeFileSync(path, Buffer.alloc(32, 7), { mode: 0o600 })
    await expect((await world.vault({ keys })).keys.move('keychain')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('already has another vault key') as string,
    })
    expect(readFileSync(path)).toEqual(Buffer.alloc(32, 7))
  })

  it('goes through the steps that the next tests kill it after', async () => {
    const { steps } = await inProcess(world, MOVE)
    expect(steps).toEqual([...MOVING, 'done'])
  })

  it.each(MOVING.map((step, index) => ({ number: index + 1, step })))(
    'leaves one key in one place when it is killed after "$step"',
    async ({ number }) => {
      const { end } = await inProcess(world, MOVE, { kill: number })
      expect(end).toBe('SIGKILL')

      await expectOnePlace(world)
    },
  )

  it('moves every key while a change of keys is unfinished', async () => {
    const { keys } = withOtherPlace(world)
    const open = await world.vault({ keys })
    const stopped = async () => Promise.reject(new Error('stopped'))
    await expect(open.keys.rotate(stopped)).rejects.toThrow('stopped')
    await open.keys.move('keychain')
    expect(await keys.keychain.read('')).toMatchObject({ keys: { length: 2 } })
    await expectEverything(world, keys)
    expect(await keys.keychain.read('')).toMatchObject({ keys: { length: 1 } })
  })
})
