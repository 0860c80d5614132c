/** A vault with a record of every kind in it, and changes of its key in a process that can be killed. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createKeyFile } from '../../src/adapters/vault/key-places/key-file.ts'
import type { KeyPlaces } from '../../src/adapters/vault/key-places/key-place.ts'
import { keyIdOf } from '../../src/adapters/vault/sealing/sealed-text.ts'
import type { Vault } from '../../src/core/vault.ts'
import { app } from './builders.ts'
import { startProgram } from './program.ts'
import { appRecord, loadOne, MACHINE_ID, storeUpTo, uid, type VaultWorld } from './vault-world.ts'

/** In the config no more, and never loaded here: its record has to come along all the same. */
const retired = app({ name: 'retired' })
const former = app({ clientId: 'native-former' })
const attempting = app({ name: 'attempting' })

/** One record in its place, one aside, one with an attempt, and a damaged file. */
export async function furnish(vault: Vault, world: VaultWorld): Promise<void> {
  await storeUpTo(vault, 1, former)
  await loadOne(vault)
  await storeUpTo(vault, 2)
  await storeUpTo(vault, 1, retired)
  await storeUpTo(vault, 3, attempting)
  await vault.records.reserve(attempting.name, appRecord(3, attempting))
  writeFileSync(world.path('evo-me.damaged-20260101T000000000Z'), 'rot')
}

/** The next start finishes a move of the key that was killed: it is in one place, and opens everything. */
export async function expectOnePlace(world: VaultWorld): Promise<void> {
  const { keys } = withOtherPlace(world)
  await world.vault({ source: 'auto', keys })
  const { id, source } = header(world)
  const other = source === 'file' ? 'keychain' : 'file'
  expect(header(world)).not.toHaveProperty('leaving')
  expect((await keys[other].read(id)).kind).toBe('none')
  await expectEverything(world, keys)
}

export async function expectEverything(
  world: VaultWorld,
  keys: KeyPlaces = world.keys,
): Promise<void> {
  const open = () => world.vault({ source: 'auto', keys })
  const whole = { unanswered: false, damaged: false }
  expect(await loadOne(await open())).toEqual({ ...whole, record: appRecord(2) })
  expect(await loadOne(await open(), retired)).toEqual({ ...whole, record: appRecord(1, retired) })
  expect(await loadOne(await open(), attempting)).toEqual({
    record: appRecord(3, attempting),
    unanswered: true,
    damaged: false,
  })
  expect(await loadOne(await open(), former)).toEqual({ ...whole, record: appRecord(1, former) })
  expect(await loadOne(await open())).toEqual({ ...whole, record: appRecord(2) })
  expect(readFileSync(world.path('evo-me.damaged-20260101T000000000Z'), 'utf8')).toBe('rot')
}

interface Header {
  readonly id: string
  readonly kid: string
  readonly source: 'file' | 'keychain'
}

export function header(world: VaultWorld): Header {
  return JSON.parse(readFileSync(world.path('vault.json'), 'utf8')) as Header
}

/** The key ids of everything sealed in the vault. */
export function keyIds(world: VaultWorld): string[] {
  const sealed = world.names().filter((name) => !name.includes('damaged') && !name.endsWith('json'))
  return sealed.map((name) => keyIdOf(readFileSync(world.path(name), 'utf8')) ?? name)
}

/** A second place that lasts; it stands for a keychain, whose answers are the same. */
export function withOtherPlace(world: VaultWorld): { keys: KeyPlaces; path: string } {
  const path = join(world.stateDir, 'elsewhere')
  return {
    keys: { ...world.keys, keychain: { ...createKeyFile(path, uid), source: 'keychain' } },
    path,
  }
}

export interface KillOptions {
  /** The number of the step after which it is killed. */
  readonly kill?: number
  /** A command that runs it in its own place. */
  readonly under?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Does `work` on the vault in a process of its own, which may be killed on the way. */
export async function inProcess(
  world: VaultWorld,
  work: string,
  { kill = Infinity, ...options }: KillOptions = {},
): Promise<{ end: number | string | null; steps: string[] }> {
  const child = startProgram(
    `
    import { writeSync } from 'node:fs'
    import { createKeyFile } from './src/adapters/vault/key-places/key-file.js'
    import { createKeyPlaces } from './src/adapters/vault/key-places/key-places.js'
    import { openVault } from './src/adapters/vault/open-vault.js'
    const silent = () => {}
    const log = { trace: silent, debug: silent, info: silent, warn: silent, error: silent }
    const places = createKeyPlaces({ keyFile: ${JSON.stringify(world.keyFile)}, env: {}, uid: ${uid} })
    const elsewhere = createKeyFile(${JSON.stringify(join(world.stateDir, 'elsewhere'))}, ${uid})
    const keys = { ...places, keychain: { ...elsewhere, source: 'keychain' } }
    let steps = 0
    const onStep = (step) => {
      writeSync(1, step + '\\n')
      if (++steps === ${kill === Infinity ? 'Infinity' : kill}) process.kill(process.pid, 'SIGKILL')
    }
    const vault = await openVault({
      dir: ${JSON.stringify(world.dir)}, keys, source: 'auto', takeOver: false, log, onStep,
      machineId: ${JSON.stringify(MACHINE_ID)},
    })
    ${work}
    console.log('done')
  `,
    options,
  )
  const steps: string[] = []
  for (;;) {
    const line = await child.line().catch(() => undefined)
    if (line === undefined) break
    steps.push(line)
  }
  const { end, stderr } = await child.ended
  expect(stderr).toBe('')
  return { end, steps }
}
