/** A home whose vault has `count` sessions in it, as a daemon left them, each still fresh. */
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openVault } from '../src/adapters/vault/open-vault.ts'
import { createKeyPlaces } from '../src/adapters/vault/key-places/key-places.ts'
import { platform } from '../src/platform/current.ts'
import { Secret } from '../src/secret.ts'
import { createHome, type Home } from '../test/support/daemon-process.ts'

const HOUR_MS = 3_600_000
const ISSUER = 'http://127.0.0.1:1'
/** About as large as a JWT of Evo with its scopes and claims. */
const TOKEN_BYTES = 1_800

export async function homeWithSessions(count: number): Promise<Home> {
  const names = Array.from({ length: count }, (_, at) => `app-${at + 1}`)
  const scopes = ['evo.discovery', 'evo.workspace', 'offline_access']
  const home = await createHome({
    issuer: ISSUER,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: Object.fromEntries(
      names.map((name) => [name, { type: 'native', clientId: `client-of-${name}`, scopes }]),
    ),
  })
  await mkdir(home.stateDir, { mode: 0o700 })
  await chmod(home.stateDir, 0o700)
  const keys = createKeyPlaces({
    keyFile: join(home.stateDir, 'vault-key'),
    env: home.env,
    uid: process.getuid?.() ?? -1,
  })
  const opened = await openVault({
    dir: join(home.stateDir, 'vault'),
    keys,
    source: 'file',
    machineId: await platform.readMachineId(),
    takeOver: false,
    log: silent,
  })
  if (opened.kind !== 'open') throw new Error(opened.failure.message)
  const store = async (name: string) => {
    const stored = await opened.records.store(name, {
      generation: 1,
      identity: {
        issuer: ISSUER,
        tokenEndpoint: null,
        clientId: `client-of-${name}`,
        type: 'native',
      },
      askedScope: scopes.join(' '),
      tokens: {
        accessToken: new Secret(name.padEnd(TOKEN_BYTES, 'a')),
        refreshToken: new Secret(name.padEnd(64, 'r')),
        receivedAt: Date.now(),
        lifetimeMs: 12 * HOUR_MS,
        draw: 0,
        scope: scopes.join(' '),
      },
    })
    if (stored.kind !== 'stored') throw new Error(`${name}: ${stored.kind}`)
  }
  // The disk syncs several at once.
  const left = names.values()
  const storeTheRest = async () => {
    for (const name of left) await store(name)
  }
  await Promise.all(Array.from({ length: 16 }, storeTheRest))
  return home
}

const silent = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
