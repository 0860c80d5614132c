import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { createKeychain } from '../../src/adapters/vault/key-places/keychain.ts'
import { askKeychain } from '../../src/adapters/vault/key-places/keychain-child.ts'
import { newVaultKey } from '../../src/adapters/vault/key-places/key-place.ts'
import { createKeyPlaces } from '../../src/adapters/vault/key-places/key-places.ts'
import {
  type Bus,
  type Keyring,
  KEYRING_COMMANDS,
  startBus,
  startKeyring,
} from '../support/keyring.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { loadOne, storeUpTo, temporaryDirectory, uid, vaultWorld } from '../support/vault-world.ts'

const missing =
  process.platform === 'linux' ? missingCommands(...KEYRING_COMMANDS) : 'needs a Secret Service'
const itWithKeyring = itNeeds(missing)

const ID = '11111111-1111-4111-8111-111111111111'
const refused = (message: RegExp, hint: RegExp = /./) => ({
  kind: 'refused',
  message: expect.stringMatching(message) as string,
  hint: expect.stringMatching(hint) as string,
})

describe('a keychain that is unlocked', () => {
  let keyring: Keyring

  beforeAll(async () => {
    if (missing === undefined) keyring = await startKeyring()
  })

  afterAll(async () => {
    if (missing === undefined) await keyring[Symbol.asyncDispose]()
  })

  itWithKeyring('keeps keys in their order, and gives them to no other vault', async () => {
    const keychain = createKeychain({ env: keyring.env })
    const keys = [newVaultKey(), newVaultKey()]
    expect(await keychain.write(ID, keys)).toEqual({ kind: 'done' })
    expect(await keychain.read(ID)).toEqual({ kind: 'keys', keys })
    expect((await keychain.read('22222222-2222-4222-8222-222222222222')).kind).toBe('none')
  })

  itWithKeyring('says that an item was deleted, and what to do', async () => {
    const keychain = createKeychain({ env: keyring.env })
    await keychain.write(ID, [newVaultKey()])
    expect(await keychain.remove(ID)).toEqual({ kind: 'done' })
    expect(await keychain.read(ID)).toEqual({
      kind: 'none',
      message: `The keychain is unlocked and has no item of the service "evo-token" for the account "${ID}": it was deleted.`,
      hint: 'Put the item back from a backup of the keychain.',
    })
    expect(await keychain.remove(ID)).toEqual({ kind: 'done' })
  })

  itWithKeyring('says that an item is no key', async () => {
    const values = ['evo-token', ID, 'hello']
    await askKeychain({ operation: 'setPassword', values }, keyring.env, 10_000)
    expect(await createKeychain({ env: keyring.env }).read(ID)).toEqual(
      refused(/is not a vault key/, /backup/),
    )
  })

  itWithKeyring('answers questions that come together', async () => {
    const keychain = createKeychain({ env: keyring.env })
    const keys = [newVaultKey()]
    await Promise.all(Array.from({ length: 5 }, () => keychain.write(ID, keys)))
    const reads = await Promise.all(Array.from({ length: 5 }, () => keychain.read(ID)))
    expect(reads).toEqual(Array.from({ length: 5 }, () => ({ kind: 'keys', keys })))
  })

  itWithKeyring('is what a new vault takes by itself, and finds again', async () => {
    const world = vaultWorld()
    const keys = createKeyPlaces({ keyFile: world.keyFile, env: keyring.env, uid })
    await storeUpTo(await world.vault({ source: 'auto', keys }), 2)
    expect(
      (await loadOne(await world.vault({ source: 'keychain', keys })))?.record?.generation,
    ).toBe(2)
    expect(Object.keys(world.snapshot())).not.toContain(world.keyFile)
  })

  itWithKeyring('takes the key of a vault, a new one, and gives it back', async () => {
    const world = vaultWorld()
    const keys = createKeyPlaces({ keyFile: world.keyFile, env: keyring.env, uid })
    const vault = await world.vault({ keys })
    await storeUpTo(vault, 2)
    await vault.keys.move('keychain')
    await vault.keys.rotate((_app, work) => work())
    expect(Object.keys(world.snapshot())).not.toContain(world.keyFile)
    const next = await world.vault({ source: 'keychain', keys })
    await next.keys.move('file')
    expect((await world.loadAnew())?.record?.generation).toBe(2)
  })
})

describe('a keychain that is locked', () => {
  let keyring: Keyring

  beforeAll(async () => {
    if (missing !== undefined) return
    keyring = await startKeyring()
    await createKeychain({ env: keyring.env }).write(ID, [newVaultKey()])
    await keyring.lock()
  })

  afterAll(async () => {
    if (missing === undefined) await keyring[Symbol.asyncDispose]()
  })

  itWithKeyring('is refused as such, whatever is asked of it', async () => {
    const keychain = createKeychain({ env: keyring.env })
    const locked = refused(/^The keychain is locked\.$/, /^Unlock it/)
    expect(await keychain.read(ID)).toEqual(locked)
    expect(await keychain.write(ID, [newVaultKey()])).toEqual(locked)
    expect(await keychain.remove(ID)).toEqual(locked)
  })

  itWithKeyring(
    'is never taken for an empty one, where nothing tells that it is locked',
    async () => {
      const bin = temporaryDirectory()
      const keychain = createKeychain({ env: { ...keyring.env, PATH: bin } })
      expect(await keychain.read(ID)).toEqual(refused(/locked or empty/, /^Unlock it/))
      expect(await keychain.write(ID, [newVaultKey()])).toEqual(refused(/locked collection/))
    },
  )

  itWithKeyring('locks its vault, until it is unlocked', async () => {
    await keyring.unlock()
    const world = vaultWorld()
    const keys = createKeyPlaces({ keyFile: world.keyFile, env: keyring.env, uid })
    await storeUpTo(await world.vault({ source: 'keychain', keys }), 1)
    await keyring.lock()
    const before = world.snapshot()
    expect(await world.open({ source: 'auto', keys })).toEqual({
      kind: 'locked',
      failure: { code: 'vault_locked', message: 'The keychain is locked.' },
      hint: expect.stringMatching(/^Unlock it/) as string,
    })
    expect(world.snapshot()).toEqual(before)

    await keyring.unlock()
    expect((await world.open({ source: 'auto', keys })).kind).toBe('open')
    await keyring.lock()
  })

  itWithKeyring('is not what a new vault takes by itself', async () => {
    const world = vaultWorld()
    const keys = createKeyPlaces({ keyFile: world.keyFile, env: keyring.env, uid })
    await world.vault({ source: 'auto', keys })
    expect(Object.keys(world.snapshot())).toContain(world.keyFile)
    expect(world.log.lines).toContainEqual({
      level: 'warn',
      message: expect.stringContaining('The keychain is locked.') as string,
    })
  })
})

describe('a keychain that does not answer', () => {
  itWithKeyring('is waited for no longer than it may take', async () => {
    await using keyring = await startKeyring()
    const keychain = createKeychain({ env: keyring.env, timeoutMs: 500 })
    keyring.freeze()
    const late = refused(/^The keychain did not answer within 0\.5 s/, /^Unlock it/)
    expect(await keychain.read(ID)).toEqual(late)
    expect(await keychain.write(ID, [newVaultKey()])).toEqual(late)
  })
})

describe('a program that no desktop session started', () => {
  itWithKeyring('finds the keychain of its user once it is there, at any question', async () => {
    const home = temporaryDirectory()
    const runtimeDirs = join(home, 'user')
    const env = { PATH: process.env.PATH, HOME: home }
    const keychain = createKeychain({ env, runtimeDirs })
    expect(await keychain.read(ID)).toEqual(refused(/^There is no keychain here/))
    await using bus = await startBus({ services: false, home })
    await using _keyring = await startKeyring(bus)
    mkdirSync(runtimeDirs)
    symlinkSync(join(home, 'run'), join(runtimeDirs, String(uid)))
    const keys = [newVaultKey()]
    expect(await keychain.write(ID, keys)).toEqual({ kind: 'done' })
    expect(await keychain.read(ID)).toEqual({ kind: 'keys', keys })
  })
})

describe('a machine without a keychain', () => {
  itWithKeyring('has no session bus', async () => {
    const keychain = createKeychain({ env: { PATH: process.env.PATH, HOME: '/nonexistent' } })
    const none = /^There is no keychain here: no Secret Service on a session bus/
    expect(await keychain.read(ID)).toEqual(refused(none, /goes on by itself/))
    expect(await keychain.write(ID, [newVaultKey()])).toEqual(refused(none, /"file"/))
  })

  itWithKeyring('has a bus that is gone', async () => {
    const env = { PATH: process.env.PATH, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus' }
    expect(await createKeychain({ env }).read(ID)).toEqual(refused(/^There is no keychain here/))
  })

  itWithKeyring('has a bus without a Secret Service', async () => {
    await using bus = await startBus({ services: false })
    expect(await createKeychain({ env: bus.env }).read(ID)).toEqual(
      refused(/^There is no keychain here/),
    )
  })

  itWithKeyring('has a Secret Service without a collection to keep it in', async () => {
    await using bus: Bus = await startBus({ services: true })
    const keychain = createKeychain({ env: bus.env })
    expect(await keychain.read(ID)).toEqual(refused(/locked or empty/))
    expect(await keychain.write(ID, [newVaultKey()])).toEqual(refused(/Object does not exist/))
  })

  itWithKeyring('has no libsecret', async () => {
    const lib = join(temporaryDirectory(), 'lib')
    mkdirSync(lib)
    writeFileSync(join(lib, 'libsecret-1.so.0'), 'not a library')
    const env = { PATH: process.env.PATH, LD_LIBRARY_PATH: lib }
    expect(await createKeychain({ env }).read(ID)).toEqual(
      refused(/^There is no keychain here: libsecret \(libsecret-1\.so\.0\) is not installed\.$/),
    )
  })
})
