import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { KeyPlace, KeysChanged } from '../../src/adapters/vault/key-places/key-place.ts'
import { createKeyPlaces } from '../../src/adapters/vault/key-places/key-places.ts'
import type { OpenedVault } from '../../src/core/vault.ts'
import type { Secret } from '../../src/secret.ts'
import {
  appRecord,
  loadOne,
  storeUpTo,
  temporaryDirectory,
  uid,
  vaultWorld,
  type VaultWorld,
} from '../support/vault-world.ts'

const OTHER_MACHINE = 'ffffffffffffffffffffffffffffffff'

/** A keychain in memory. */
function keychain(refusal?: string): KeyPlace & { readonly items: Map<string, readonly Secret[]> } {
  const items = new Map<string, readonly Secret[]>()
  const refused = { kind: 'refused', message: refusal ?? '', hint: 'Unlock it.' } as const
  const changed = (): KeysChanged => (refusal === undefined ? { kind: 'done' } : refused)
  return {
    source: 'keychain',
    items,
    read: async (id) => {
      const keys = items.get(id)
      if (refusal !== undefined) return refused
      return keys ? { kind: 'keys', keys } : { kind: 'none', message: 'It is gone.', hint: 'Oh.' }
    },
    write: async (id, keys) => {
      if (refusal === undefined) items.set(id, keys)
      return changed()
    },
    remove: async (id) => {
      items.delete(id)
      return changed()
    },
  }
}

function headerOf({ dir }: VaultWorld): Record<string, unknown> {
  return JSON.parse(readFileSync(join(dir, 'vault.json'), 'utf8')) as Record<string, unknown>
}

function changeHeader(world: VaultWorld, change: Record<string, unknown>): void {
  writeFileSync(world.path('vault.json'), JSON.stringify({ ...headerOf(world), ...change }))
}

function reasonOf(opened: OpenedVault): { code: string; message: string; hint: string } {
  if (opened.kind === 'open') throw new Error('the vault is open')
  return { ...opened.failure, hint: opened.hint }
}

/** A world whose vault has a record in it. */
async function usedWorld(): Promise<VaultWorld> {
  const world = vaultWorld()
  await storeUpTo(await world.vault(), 2)
  return world
}

describe('openVault, the first time', () => {
  it('makes a key and a header that only their owner can read', async () => {
    const world = vaultWorld()
    await world.vault()
    expect(headerOf(world)).toEqual({
      format: 2,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      source: 'file',
      machine: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      kid: expect.stringMatching(/^[\w-]{43}$/) as string,
      check: expect.stringMatching(/^[\w-]+\.\.[\w-]+\.[\w-]*\.[\w-]+$/) as string,
    })
    expect(statSync(world.dir).mode & 0o777).toBe(0o700)
    for (const path of [world.keyFile, world.path('vault.json')]) {
      expect(statSync(path).mode & 0o777).toBe(0o600)
    }
  })

  it('does not write the machine id or the key into the header', async () => {
    const world = vaultWorld()
    await world.vault()
    const header = readFileSync(world.path('vault.json'), 'utf8')
    expect(header).not.toContain('3d1219c7')
    expect(header).not.toContain(readFileSync(world.keyFile, 'utf8').trim())
  })

  it('takes a key file that is there already', async () => {
    const world = vaultWorld()
    const key = Buffer.alloc(32, 7)
    writeFileSync(world.keyFile, key, { mode: 0o600 })
    await world.vault()
    expect(readFileSync(world.keyFile)).toEqual(key)
  })

  it('takes the keychain where it is `auto` and one takes the key', async () => {
    const world = vaultWorld()
    const chain = keychain()
    await world.vault({ source: 'auto', keys: { ...world.keys, keychain: chain } })
    expect(headerOf(world).source).toBe('keychain')
    expect([...chain.items.keys()]).toEqual([headerOf(world).id])
    expect(world.log.lines.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('takes a file where it is `auto` and there is no keychain, says so, and keeps to it', async () => {
    const world = vaultWorld()
    const without = { ...world.keys, keychain: keychain('There is no keychain here.') }
    await world.vault({ source: 'auto', keys: without })
    expect(headerOf(world).source).toBe('file')
    expect(world.log.lines).toContainEqual({
      level: 'warn',
      message: expect.stringMatching(/kept in a file.*There is no keychain here\./) as string,
    })

    await world.vault({ source: 'auto', keys: { ...world.keys, keychain: keychain() } })
    expect(headerOf(world).source).toBe('file')
  })

  it('makes nothing where the keychain that the config asks for does not take the key', async () => {
    const world = vaultWorld()
    const keys = { ...world.keys, keychain: keychain('The keychain is locked.') }
    expect(reasonOf(await world.open({ source: 'keychain', keys }))).toEqual({
      code: 'vault_locked',
      message: 'The keychain is locked.',
      hint: 'Unlock it.',
    })
    expect(world.snapshot()).toEqual({})
  })

  it('takes the key from a credential, and needs it again the next time', async () => {
    const world = vaultWorld()
    const credentials = temporaryDirectory()
    writeFileSync(join(credentials, 'vault-key'), `${Buffer.alloc(32, 7).toString('base64')}\n`)
    const env = { CREDENTIALS_DIRECTORY: credentials }
    const keys = createKeyPlaces({ keyFile: world.keyFile, env, uid })
    await storeUpTo(await world.vault({ source: 'credential', keys }), 1)
    expect(await loadOne(await world.vault({ source: 'credential', keys }))).toBeDefined()

    expect(reasonOf(await world.open({ source: 'credential' }))).toMatchObject({
      message: expect.stringContaining('systemd passed no credential') as string,
      hint: expect.stringContaining('LoadCredential=vault-key:') as string,
    })
  })

  it('never makes a key where there are records', async () => {
    const world = await usedWorld()
    rmSync(world.path('vault.json'))
    const before = world.snapshot()
    const { code, message, hint } = reasonOf(await world.open())
    expect({ code, message }).toEqual({
      code: 'vault_locked',
      message: expect.stringContaining('has lost its vault.json') as string,
    })
    expect(hint).toContain(`move ${world.dir} away for a fresh vault, and sign in again`)
    expect(world.snapshot()).toEqual(before)
  })

  it('says what the disk refuses', async () => {
    const world = vaultWorld()
    writeFileSync(world.dir, 'in the way')
    expect(reasonOf(await world.open()).message).toContain(
      'vault.json cannot be read: a part of the path is not a directory (ENOTDIR).',
    )
  })
})

describe('openVault, of a vault that is there', () => {
  it('opens what it made', async () => {
    const world = await usedWorld()
    expect(await world.loadAnew()).toEqual({
      record: appRecord(2),
      unanswered: false,
      damaged: false,
    })
  })

  it('opens where the config leaves the place of the key to it', async () => {
    const world = await usedWorld()
    expect((await world.open({ source: 'auto' })).kind).toBe('open')
  })

  it('clears away what a kill left of a file', async () => {
    const world = await usedWorld()
    writeFileSync(world.path('.evo-me.jwe.0123456789ab.tmp'), 'half')
    await world.vault()
    expect(world.names()).toEqual(['evo-me.jwe', 'vault.json'])
  })

  /** Each makes the vault unusable in one way, and gives what to open it with. */
  const unusable = [
    {
      how: 'has a newer format',
      spoil: (world: VaultWorld) => {
        changeHeader(world, { format: 4, novelty: true })
      },
      says: 'has format 4; this evo-token knows 3.',
    },
    {
      how: 'has a header that is no JSON',
      spoil: (world: VaultWorld) => {
        writeFileSync(world.path('vault.json'), '{"format":1,')
      },
      says: 'vault.json is damaged.',
    },
    {
      how: 'has a header that lacks something',
      spoil: (world: VaultWorld) => {
        changeHeader(world, { kid: undefined })
      },
      says: 'vault.json is damaged.',
    },
    {
      how: 'has another key',
      spoil: ({ keyFile }: VaultWorld) => {
        writeFileSync(keyFile, Buffer.alloc(32, 7))
      },
      says: 'The key in the file is not the key of the vault',
    },
    {
      how: 'has a header that names the key and does not open with it',
      spoil: (world: VaultWorld) => {
        const { check } = headerOf(world)
        changeHeader(world, { check: `${String(check).slice(0, -4)}AAAA` })
      },
      says: 'The key in the file is not the key of the vault',
    },
    {
      how: "has another vault's header",
      spoil: (world: VaultWorld) => {
        changeHeader(world, { id: '11111111-1111-4111-8111-111111111111', machine: null })
      },
      says: 'The key in the file is not the key of the vault',
    },
    {
      how: 'has lost its key',
      spoil: ({ keyFile }: VaultWorld) => {
        rmSync(keyFile)
      },
      says: 'cannot be opened without it.',
    },
    {
      how: 'has a key file that is none',
      spoil: ({ keyFile }: VaultWorld) => {
        writeFileSync(keyFile, 'not a key')
      },
      says: 'is not a vault key',
    },
    {
      how: 'has a key file that others can read',
      spoil: ({ keyFile }: VaultWorld) => {
        chmodSync(keyFile, 0o640)
      },
      says: 'chmod 600',
    },
    {
      how: 'has a directory that others can read',
      spoil: ({ dir }: VaultWorld) => {
        chmodSync(dir, 0o750)
      },
      says: 'is open to others (mode 750): chmod 700',
    },
    {
      how: "is another machine's",
      spoil: () => undefined,
      options: { machineId: OTHER_MACHINE },
      says: 'was made on another machine',
    },
    {
      how: "is a machine's and this one has no id",
      spoil: () => undefined,
      options: { machineId: null },
      says: 'was made on another machine',
    },
    {
      how: 'has its key elsewhere than the config wants it',
      spoil: () => undefined,
      options: { source: 'keychain' as const },
      says: "The config wants the vault key in the keychain, and this vault's is in the file.",
    },
  ]

  it.each(unusable)('is locked, and nothing is touched, where it $how', async (how) => {
    const world = await usedWorld()
    how.spoil(world)
    writeFileSync(world.path('.evo-me.jwe.0123456789ab.tmp'), 'half')
    const before = world.snapshot()

    const reason = reasonOf(await world.open(how.options))

    expect(reason).toMatchObject({
      code: 'vault_locked',
      message: expect.stringContaining(how.says) as string,
    })
    expect(reason.hint).not.toBe('')
    expect(world.snapshot()).toEqual(before)
  })

  it('names the command that moves the key, where the config wants it elsewhere', async () => {
    const world = await usedWorld()
    const { hint } = reasonOf(await world.open({ source: 'keychain' }))
    expect(hint).toContain('evo-token vault move-key --to keychain')
    expect(hint).toContain('"vault": { "key": "file" }')
  })

  it('becomes this machine’s when that is asked for', async () => {
    const world = await usedWorld()
    const machineId = OTHER_MACHINE
    expect(await loadOne(await world.vault({ machineId, takeOver: true }))).toBeDefined()
    expect((await world.open({ machineId })).kind).toBe('open')
    expect((await world.open()).kind).toBe('locked')
  })

  it('is taken over from no machine without being asked', async () => {
    const world = vaultWorld()
    await world.vault({ machineId: null })
    expect(headerOf(world).machine).toBeNull()
    expect((await world.open()).kind).toBe('open')
    expect((await world.open({ machineId: OTHER_MACHINE })).kind).toBe('locked')
  })

  it('is locked for a disk that cannot be read', async () => {
    const world = vaultWorld()
    mkdirSync(world.path('vault.json'), { recursive: true, mode: 0o700 })
    expect(reasonOf(await world.open()).message).toContain('it is a directory (EISDIR)')
  })
})
