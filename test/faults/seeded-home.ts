/** A home whose apps are signed in already: their records are as a sign-in would have left them. */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeJwt, UnsecuredJWT } from 'jose'
import { platform } from '../../src/platform/current.ts'
import { openVault } from '../../src/adapters/vault/open-vault.ts'
import { createKeyPlaces } from '../../src/adapters/vault/key-places/key-places.ts'
import { Secret } from '../../src/secret.ts'
import {
  EVO_SCOPES,
  REDIRECT_URI,
  type RunningAuthorizationServer,
} from '../support/authorization-server.ts'
import { createHome, type Home } from '../support/daemon-process.ts'

export const SCOPES = [...EVO_SCOPES, 'offline_access']

const HOUR_MS = 3_600_000

/** A token that is stale is served, and refreshed at once; a fresh one is left alone. */
export type Seed = 'fresh' | 'stale' | 'expired'

export interface SeedOptions {
  readonly apps?: Readonly<Record<string, Seed>>
  /** Names of those who are signed in, by app. */
  readonly people?: Readonly<Record<string, string>>
  /** More of the config. */
  readonly config?: object
  /** More of the config of each app. */
  readonly app?: object
  /** More apps, which are not signed in. */
  readonly others?: object
  /** Where the vault is, if not in the state directory: on a disk of its own. */
  readonly vaultDir?: string
}

/** The refresh tokens are real ones of `server`, of generation 0; the access tokens are made up. */
export async function seededHome(
  server: RunningAuthorizationServer,
  {
    apps = { me: 'stale' },
    people = {},
    config = {},
    app = {},
    others = {},
    vaultDir,
  }: SeedOptions = {},
): Promise<Home> {
  const home = await createHome({
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    refresh: { retryMin: '1s' },
    apps: {
      ...Object.fromEntries(
        Object.keys(apps).map((name) => [name, { ...nativeApp(server), ...app }]),
      ),
      ...others,
    },
    ...config,
  })
  await mkdir(home.stateDir, { mode: 0o700 })
  if (vaultDir !== undefined) await symlink(vaultDir, join(home.stateDir, 'vault'))
  await seedAll(home, server, apps, people)
  return home
}

/** The record of an app, as it lies on disk. */
export function recordPath(home: Home, app: string): string {
  return join(home.stateDir, 'vault', `${app}.jwe`)
}

/** Every file of the vault, with what is in it, and the key beside it. */
export function vaultFiles(home: Home): Readonly<Record<string, string>> {
  const read = (path: string) => readFileSync(join(home.stateDir, path), 'latin1')
  return Object.fromEntries(
    filesBelow(home.stateDir)
      .filter((path) => path.startsWith('vault'))
      .map((path) => [path, read(path)]),
  )
}

/** Files that are there only in the middle of something. */
export function leftovers(home: Home): readonly string[] {
  return filesBelow(home.stateDir).filter((path) => /\.(tmp|new)$/.test(path))
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}

export function nativeApp(server: RunningAuthorizationServer) {
  const { clientId } = server.clients.native
  return { type: 'native', clientId, redirectUris: [REDIRECT_URI], scopes: SCOPES }
}

/** Who is signed in to an app. */
export function personOf(app: string): string {
  return `person-of-${app}`
}

/** Looks like the server's, and tells by its issuer that it is not. */
function seededToken(expiresAt: number): string {
  return new UnsecuredJWT({}).setIssuer('seed').setExpirationTime(new Date(expiresAt)).encode()
}

export function isSeeded(token: string): boolean {
  return decodeJwt(token).iss === 'seed'
}

/** Signs `name` in, whatever was there before. No daemon may run. */
export async function seed(
  home: Home,
  server: RunningAuthorizationServer,
  name: string,
  freshness: Seed,
): Promise<void> {
  await seedAll(home, server, { [name]: freshness })
}

/** As `seed`, each of them. */
export async function seedAll(
  home: Home,
  server: RunningAuthorizationServer,
  apps: Readonly<Record<string, Seed>>,
  people: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { clientId } = server.clients.native
  const vault = await openSeedVault(home)
  for (const [name, freshness] of Object.entries(apps)) {
    const refreshToken = await server.mintRefreshToken(clientId, personOf(name))
    const ageMs = { fresh: 0, stale: HOUR_MS * 0.9, expired: HOUR_MS }[freshness]
    const receivedAt = Date.now() - ageMs
    const person = people[name]
    await vault.records.remove(name)
    const stored = await vault.records.store(name, {
      generation: 1,
      identity: { issuer: server.issuer, tokenEndpoint: null, clientId, type: 'native' },
      askedScope: SCOPES.join(' '),
      tokens: {
        accessToken: new Secret(seededToken(receivedAt + HOUR_MS)),
        refreshToken: new Secret(refreshToken),
        receivedAt,
        lifetimeMs: HOUR_MS,
        draw: 0,
        scope: SCOPES.join(' '),
        ...(person !== undefined && { subject: { id: personOf(name), name: person } }),
      },
    })
    if (stored.kind !== 'stored') throw new Error(`${name} could not be seeded: ${stored.kind}`)
  }
}

async function openSeedVault(home: Home) {
  const opened = await openVault({
    dir: join(home.stateDir, 'vault'),
    keys: createKeyPlaces({
      keyFile: join(home.stateDir, 'vault-key'),
      env: home.env,
      uid: process.getuid?.() ?? -1,
    }),
    source: 'file',
    machineId: await platform.readMachineId(),
    takeOver: false,
    log: SILENT,
  })
  if (opened.kind === 'open') return opened
  throw new Error(opened.failure.message)
}

const SILENT = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
