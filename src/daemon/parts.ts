/** Creates every part and connects them; starts none. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type ActivityLog, createActivityLog } from '../adapters/activity/activity-log.ts'
import { type Callers, createCallers } from '../adapters/callers/callers.ts'
import { createIssuerFetch } from '../adapters/server/issuer-fetch.ts'
import { createMetadataSource } from '../adapters/server/metadata.ts'
import { createNotifier, USUAL_EVERY_MS } from '../adapters/process/notifier.ts'
import { createRedirectListener } from '../adapters/loopback/redirect-listener.ts'
import { platform } from '../platform/current.ts'
import type { Places } from '../platform/for-clients.ts'
import { examineTokenFile } from '../adapters/token-files/token-file.ts'
import { tokenFileWarnings } from '../adapters/token-files/token-file-problem.ts'
import { createTokenFiles } from '../adapters/token-files/token-files.ts'
import { openVault } from '../adapters/vault/open-vault.ts'
import { readKeeperId } from '../adapters/share/keeper-file.ts'
import { createKeyPlaces } from '../adapters/vault/key-places/key-places.ts'
import { Broker } from '../broker/broker.ts'
import type { BrokerOptions } from '../broker/broker-options.ts'
import type { AnyBroker } from '../broker/reader-broker.ts'
import type { Config } from '../config/config.ts'
import type { ShareSettings } from '../config/share-settings.ts'
import type { ConfigFault } from '../config/faults.ts'
import type { NewActivity } from '../core/activity.ts'
import type { App } from '../core/app.ts'
import type { Registration } from '../core/registration.ts'
import type { DaemonProblem } from '../core/daemon-problem.ts'
import { identifyMachine } from './machine-identity.ts'
import { createNoticeGroups } from './notice-groups.ts'
import { createObserver } from './observers.ts'
import type { DaemonSharing } from './sharing.ts'
import { createRegistrar } from './registrations.ts'
import type { World } from './world.ts'

export interface Parts {
  readonly broker: AnyBroker
  /** Absent where sessions are not shared with other hosts. */
  readonly sharing?: DaemonSharing
  readonly callers: Callers
  readonly activity: ActivityLog
  readonly registrar: (apps: readonly App[]) => readonly Registration[]
  /** Called with the name of each app that may have changed. */
  readonly changes: Set<(app: string) => void>
  /** Takes the token files of a new config; resolves with their problems. */
  readonly configureFiles: (files: Config['files']) => Promise<ConfigFault[]>
  /** What is wrong with the daemon itself. */
  readonly problems: () => readonly DaemonProblem[]
  /** Aborts the requests to authorization servers that are still running. */
  readonly breakOff: () => void
}

/** @throws {SidecarError} `config`, `failed`. */
export async function createParts(
  config: Config,
  places: Places,
  takeOver: boolean,
  world: World,
): Promise<Parts> {
  const { clock, env, log, sleep, startTimeLimit, uid } = world
  const issuers = createIssuerFetch({ env, ...(config.ca !== undefined && { ca: config.ca }) })
  const { fetch, close: breakOff } = issuers
  const metadataFile = join(places.stateDir, 'metadata.json')
  const registrar = createRegistrar({
    clock,
    env,
    fetch,
    log,
    sleep,
    startTimeLimit,
    metadata: createMetadataSource({ clock, fetch, log, startTimeLimit, file: metadataFile }),
  })
  const callers = await createCallers({
    path: join(places.stateDir, 'callers.json'),
    accessKeyPath: places.accessKey,
    clock,
    log,
  })
  const ownActivity = createActivityLog({ path: places.activity, clock, log })
  const activity = world.changeActivity?.(ownActivity) ?? ownActivity
  const changes = new Set<(app: string) => void>()
  const announceChange = (app: string) => {
    for (const onChange of changes) onChange(app)
  }
  const ownPlaces = { stateDir: places.stateDir, config: world.configPath }
  const files = createTokenFiles(config.files, { log, ownPlaces, onProblem: announceChange })
  const notifier = createNotifier(config.notify, { env, log })
  const notices = createNoticeGroups({
    clock,
    // A waiting notice does not delay a stop.
    sleep: (ms) => setTimeout(ms, undefined, { ref: false }),
    everyMs: config.notify?.everyMs ?? USUAL_EVERY_MS,
    notify: (apps, event, words) => notifier.notify(apps, event, words),
  })
  const observe = createObserver({ files, notices, log })
  const keys = createKeyPlaces({ keyFile: places.vaultKey, env, uid })
  const machineId = await identifyMachine(config.share, places.stateDir)
  const vaultOptions = {
    dir: places.vault,
    keys,
    source: config.vaultKey,
    machineId,
    takeOver,
    sharesKey: config.share !== undefined,
    log,
    onStep: world.onStep,
  }
  const onChange = (app: string) => {
    observe(app, broker)
    announceChange(app)
  }
  const sharing = config.share && (await loadSharing(config.share, places, onChange, world))
  const brokerOptions: BrokerOptions = {
    clock,
    log,
    random: world.random,
    networkSignature: world.networkSignature,
    sleep,
    newId: randomUUID,
    listener: createRedirectListener({
      log,
      uid,
      peerOf: platform.createPeerLookup(),
      usersOfPort: platform.usersOfPort,
    }),
    openVault: () => openVault(vaultOptions),
    onChange,
    onActivity: (happened) => {
      activity.record(withProblem(happened, broker))
    },
    fileFaultOf: (app) => files.problemOf(app),
    keeperId: readKeeperId(places.stateDir),
    ...(sharing?.role === 'keeper' && { sharing: sharing.sharing }),
  }
  const registrations = registrar(config.apps)
  const broker: AnyBroker =
    sharing?.role === 'reader'
      ? (await import('../broker/reader-broker.ts')).createReaderBroker(
          sharing.sharing,
          brokerOptions,
          registrations,
        )
      : new Broker(brokerOptions, registrations)
  const configureFiles = async (configured: Config['files']) => {
    await files.configure(configured)
    await Promise.all(broker.appNames().map((app) => files.update(app, broker.accessToken(app))))
    // A file that had its token already was not examined.
    const problems = await Promise.all(
      configured.map(
        async (file) => files.problemWith(file) ?? (await examineTokenFile(file, ownPlaces)),
      ),
    )
    return tokenFileWarnings(problems)
  }
  const problems = () => [notifier.problem()].filter((one) => one !== undefined)
  return {
    activity,
    ...(sharing && { sharing }),
    broker,
    callers,
    changes,
    configureFiles,
    registrar,
    breakOff,
    problems,
  }
}

/** Loads the driver of the database only where there is one. */
async function loadSharing(
  settings: ShareSettings,
  places: Places,
  onChange: (app: string) => void,
  world: World,
): Promise<DaemonSharing> {
  const { createSharing } = await import('./sharing.ts')
  return createSharing({ settings, places, onChange }, world)
}

/** The entry with the code that the app's status has for the failure, in place of what a server said. */
function withProblem(happened: NewActivity, broker: AnyBroker): NewActivity {
  const { app, kind } = happened
  if (!app || (kind !== 'renewal_failed' && kind !== 'session_ended')) return happened
  // The app may have left the config while its request was out.
  if (!broker.hasApp(app)) return happened
  return { ...happened, error: broker.problems(app)[0]?.code ?? 'unavailable' }
}
