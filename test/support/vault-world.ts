/** A state directory with a vault in it, and what tests do to its files behind the daemon's back. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { KeyPlaces } from '../../src/adapters/vault/key-places/key-place.ts'
import { type KeyRing, toVaultKey } from '../../src/adapters/vault/sealing/key-ring.ts'
import { type Purpose, seal, unseal } from '../../src/adapters/vault/sealing/sealed-text.ts'
import { openVault, type OpenVaultOptions } from '../../src/adapters/vault/open-vault.ts'
import { createKeyPlaces } from '../../src/adapters/vault/key-places/key-places.ts'
import { type App, identityOf } from '../../src/core/app.ts'
import type { AppRecord, LoadedRecord, OpenedVault, Vault } from '../../src/core/vault.ts'
import { Secret } from '../../src/secret.ts'
import { app, NOW, recordingLog } from './builders.ts'

export const MACHINE_ID = '3d1219c7c4c5404aaa1f6d2a48adfda4'

export const uid = process.getuid?.() ?? 0

export interface VaultWorld {
  readonly stateDir: string
  readonly dir: string
  readonly keyFile: string
  readonly keys: KeyPlaces
  readonly log: ReturnType<typeof recordingLog>
  open(overrides?: Partial<OpenVaultOptions>): Promise<OpenedVault>
  /** The vault, which has to open. */
  vault(overrides?: Partial<OpenVaultOptions>): Promise<Vault>
  /** What a new process would load of the app. */
  loadAnew(of?: App): Promise<LoadedRecord | undefined>
  path(name: string): string
  /** Every file of the state directory, with what is in it. */
  snapshot(): Readonly<Record<string, string>>
  names(): readonly string[]
  /** What is sealed in a file of the vault. */
  content(name: string): Promise<Readonly<Record<string, unknown>>>
  /** Puts a file into the vault as a program with its key would. */
  plant(name: string, content: unknown, purpose?: Purpose): Promise<void>
}

/** @param stateDir one that the test looks after itself; else a temporary one that ends with the test. */
export function vaultWorld(stateDir = temporaryDirectory()): VaultWorld {
  const dir = join(stateDir, 'vault')
  const keyFile = join(stateDir, 'vault-key')
  const keys = createKeyPlaces({ keyFile, env: {}, uid: process.geteuid?.() ?? 0 })
  const log = recordingLog()
  const open = (overrides: Partial<OpenVaultOptions> = {}) =>
    openVault({
      dir,
      keys,
      source: 'file',
      machineId: MACHINE_ID,
      takeOver: false,
      log,
      ...overrides,
    })
  const vault = async (overrides: Partial<OpenVaultOptions> = {}) => openOf(await open(overrides))
  return {
    stateDir,
    dir,
    keyFile,
    keys,
    log,
    open,
    vault,
    loadAnew: async (of = app()) => loadOne(await vault(), of),
    path: (name) => join(dir, name),
    snapshot: () => snapshotOf(stateDir),
    names: () => readdirSync(dir).sort(),
    async content(name) {
      const ring = await ringOf({ keys })
      const [line = ''] = readFileSync(join(dir, name), 'utf8').split('\n')
      const unsealed = await unseal(line, ring)
      if (!unsealed) throw new Error(`${name} does not open`)
      return JSON.parse(unsealed.plaintext) as Readonly<Record<string, unknown>>
    },
    async plant(name, content, purpose) {
      const [key] = await ringOf({ keys })
      const text = typeof content === 'string' ? content : JSON.stringify(content)
      const sealed = await seal(text, { ...PURPOSE, ...purpose }, key)
      writeFileSync(join(dir, name), `${sealed}\n`, { mode: 0o600 })
    },
  }
}

const PURPOSE: Purpose = { 'evo-app': app().name, 'evo-kind': 'app' }

/** The vault's keys, from its key file. */
export async function ringOf({ keys }: Pick<VaultWorld, 'keys'>): Promise<KeyRing> {
  const read = await keys.file.read('')
  if (read.kind !== 'keys') throw new Error('no key')
  const [newest, ...others] = await Promise.all(read.keys.map(toVaultKey))
  if (!newest) throw new Error('no key')
  return [newest, ...others]
}

/** Until the test that asks for it has ended. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-v-'))
  onTestFinished(() => {
    rmSync(directory, { recursive: true })
  })
  return directory
}

export function openOf(opened: OpenedVault): Vault {
  if (opened.kind === 'open') return opened
  throw new Error(`the vault is locked: ${opened.failure.message}`)
}

export async function loadOne(vault: Vault, of = app()): Promise<LoadedRecord | undefined> {
  return vault.records.load({ app: of.name, identity: identityOf(of) })
}

/** A record whose secrets tell its generation. */
export function appRecord(
  generation: number,
  of = app(),
  overrides: Partial<AppRecord> = {},
): AppRecord {
  return {
    generation,
    identity: identityOf(of),
    tokens: {
      accessToken: new Secret(`at-${generation}`),
      refreshToken: new Secret(`rt-${generation}`),
      receivedAt: NOW.wall,
      lifetimeMs: 3_600_000,
      draw: 0.25,
    },
    ...overrides,
  }
}

/** Stores the generations from 1 to `last`, as they would come one after another. */
export async function storeUpTo(vault: Vault, last: number, of = app()): Promise<AppRecord> {
  let record = appRecord(0, of)
  for (let generation = 1; generation <= last; generation++) {
    record = appRecord(generation, of)
    const { kind } = await vault.records.store(of.name, record)
    if (kind !== 'stored') throw new Error(`generation ${generation} was not stored: ${kind}`)
  }
  return record
}

function snapshotOf(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path, readFileSync(path, 'latin1')]),
  )
}
