/** Connects the daemon with the database that it shares sessions through. Loaded only where it shares. */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { readPackageVersion } from '../adapters/process/package-version.ts'
import { Announcements } from '../adapters/share/announcements.ts'
import { Database } from '../adapters/share/database.ts'
import { openKeeperFile } from '../adapters/share/keeper-file.ts'
import { createPostgresStore } from '../adapters/share/postgres-store.ts'
import { readCredential, readSecretFile } from '../adapters/share/private-file.ts'
import { ReaderKeys } from '../adapters/share/reader-keys.ts'
import { toAppKey } from '../adapters/share/app-key.ts'
import { KeeperSharing } from '../broker/sharing/keeper-sharing.ts'
import { HomeCommands } from '../broker/sharing/owner-commands.ts'
import { ReaderSharing } from '../broker/sharing/reader-sharing.ts'
import type { ShareSettings } from '../config/share-settings.ts'
import { SHARING_POLICY } from '../core/sharing/policy.ts'
import type { AppKey } from '../core/sharing/shared-store.ts'
import type { Places } from '../platform/for-clients.ts'
import { platform } from '../platform/current.ts'
import { SidecarError } from '../errors.ts'
import { Secret } from '../secret.ts'
import { createTicks } from './sharing-ticks.ts'
import { describeSharing } from './sharing-view.ts'
import type { World } from './world.ts'

export interface SharingOptions {
  readonly settings: ShareSettings
  readonly places: Places
  readonly onChange: (app: string) => void
}

export type DaemonSharing = {
  /** Begins to read what the others write. */
  start(): void
  stop(): Promise<void>
  /** For `evo-token share status`. */
  describe(): object
} & (
  | { readonly role: 'keeper'; readonly sharing: KeeperSharing; readonly commands: HomeCommands }
  | { readonly role: 'reader'; readonly sharing: ReaderSharing }
)

/** @throws {SidecarError} `config` where a file that "share" names cannot be used. */
export async function createSharing(
  { settings, places, onChange }: SharingOptions,
  world: World,
): Promise<DaemonSharing> {
  const { clock, env, log, sleep } = world
  const policy = { ...SHARING_POLICY, ...world.sharingPolicy }
  const database = new Database({
    settings,
    password: () => passwordOf(settings, env),
    clock,
    log,
    limitMs: policy.questionMs,
    primariesMs: policy.primariesMs,
  })
  // A file that cannot be used should fail the start, not the first statement.
  passwordOf(settings, env)
  const { certificateKeyFile } = settings
  if (certificateKeyFile !== undefined) {
    readSecretFile('share.certificateKeyFile', certificateKeyFile)
  }
  const store = createPostgresStore(database, new Announcements(database), settings.role)
  const common = { clock, sleep, log, store, policy, onChange, keyOf: toAppKey }
  const name = settings.name ?? hostname().toLowerCase()
  if (settings.role === 'reader') {
    const readKeys = () => readReaderKeys(settings.readerKeys, env)
    const sharing = new ReaderSharing({ ...common, readKeys })
    await sharing.loadKeys()
    const ticks = createTicks({
      store,
      policy,
      log,
      tick: () => sharing.tick(),
      look: async () => undefined,
    })
    return {
      start: () => {
        ticks.start()
      },
      async stop() {
        await ticks.stop()
        await store.close()
      },
      role: 'reader',
      sharing,
      describe: () => describeSharing({ settings, name, database, clock }),
    }
  }
  const file = await openKeeperFile(places.stateDir, await platform.readBootId())
  const sharing: KeeperSharing = new KeeperSharing({
    ...common,
    watched: file.watched,
    isGone: (instance) => file.isGone(instance),
    self: {
      id: file.id,
      name,
      instance: file.instance,
      host: hostname(),
      version: readPackageVersion(),
      // Computed at each beat: a reload may change the apps.
      get configDigest() {
        return digestApps(sharing.all().map(({ key }) => key))
      },
    },
  })
  const ticks = createTicks({
    store,
    policy,
    log,
    tick: () => sharing.tick(),
    async look() {
      sharing.look()
      await sharing.beat()
    },
  })
  return {
    start: () => {
      ticks.start()
    },
    async stop() {
      await ticks.stop()
      await sharing.stop()
    },
    role: 'keeper',
    sharing,
    commands: new HomeCommands(sharing, sleep),
    describe: () => describeSharing({ settings, name, database, clock, sharing }),
  }
}

function passwordOf(settings: ShareSettings, env: NodeJS.ProcessEnv): Secret | undefined {
  const { passwordFile } = settings
  const text =
    passwordFile === undefined
      ? readCredential('db-password', env)
      : readSecretFile('share.passwordFile', passwordFile)
  return text === undefined ? undefined : new Secret(text.trim())
}

/** @throws {SidecarError} `config` where there are none, or they cannot be read. */
function readReaderKeys(path: string | undefined, env: NodeJS.ProcessEnv): Promise<ReaderKeys> {
  if (path !== undefined) {
    return ReaderKeys.from(path, readSecretFile('share.readerKeys', path))
  }
  const text = readCredential('reader-keys', env)
  if (text !== undefined) return ReaderKeys.from('The credential reader-keys', text)
  throw new SidecarError('config', '"share": a reader needs its keys.', {
    hint: 'Name their file in "share.readerKeys"; or give the service the credential reader-keys.',
  })
}

/** The same on every keeper that has the same apps. */
function digestApps(apps: readonly AppKey[]): string {
  const keys = apps.map(({ app, identityDigest }) => `${app} ${identityDigest}`)
  return createHash('sha256').update(keys.sort().join('\n')).digest('hex')
}
