/** What the doors offer, put together from the parts of the daemon. */
import { dirname } from 'node:path'
import type { PageFiles } from '../adapters/loopback/page-files.ts'
import { packageManifest, readPackageVersion } from '../adapters/process/package-version.ts'
import type { Supervisor } from '../adapters/process/supervisor.ts'
import type { UpgradeWatch } from '../adapters/process/upgrade-watch.ts'
import type { Config } from '../config/config.ts'
import { keyElsewhere } from '../core/vault-key-elsewhere.ts'
import { SidecarError } from '../errors.ts'
import type { Deps } from '../http/deps.ts'
import type { EventStreams } from '../http/event-streams.ts'
import type { Places } from '../platform/for-clients.ts'
import { Queue } from '../queue.ts'
import { createPage, type DaemonPage } from './page.ts'
import type { Parts } from './parts.ts'
import { describeReload, warningInWords } from './reload.ts'
import { createShareService } from './share-service.ts'
import type { World } from './world.ts'

export interface ServicesOptions {
  readonly config: Config
  readonly parts: Parts
  readonly pageFiles: PageFiles
  readonly places: Places
  readonly streams: EventStreams
  readonly supervisor: Supervisor
  readonly upgrade: UpgradeWatch
}

export interface Services {
  readonly deps: Deps
  readonly page: DaemonPage
  /** Resolves when the owner has asked the daemon to stop. */
  readonly stopAsked: Promise<void>
  /** Takes the addresses of the doors, which the page shows. */
  listensAt(url: string, socket: string | undefined): void
}

export function createServices(options: ServicesOptions, world: World): Services {
  const { config, pageFiles, parts, places, streams, supervisor, upgrade } = options
  const { activity, broker, callers } = parts
  const { clock, configPath, env, log, pid, uid } = world
  const version = readPackageVersion()
  const startedAt = new Date(clock.read().wall).toISOString()
  const reads = new Queue()
  let current = config
  let url = ''
  let socket: string | undefined
  let askToStop: () => void = () => undefined
  const stopAsked = new Promise<void>((resolve) => {
    askToStop = resolve
  })

  async function reload(): Promise<object> {
    supervisor.reloading()
    try {
      // One read after another, and each config is handed on before the next one is read: the newest stays.
      const { next, applied } = await reads.run(async () => {
        const next = await world.readConfig()
        return { next, applied: broker.reload(parts.registrar(next.config.apps)) }
      })
      const plan = await applied
      current = next.config
      for (const app of plan.removed) streams.sendRemoved(app)
      // Before the next wait: another reload may remove the apps.
      const described = describeReload(plan, config, next, (app) => broker.status(app))
      const ofFiles = await parts.configureFiles(next.config.files)
      return { ...described, warnings: [...described.warnings, ...ofFiles.map(warningInWords)] }
    } finally {
      supervisor.ready()
    }
  }

  function problems() {
    const elsewhere = keyElsewhere(current.vaultKey, broker.vaultKey.source())
    upgrade.look()
    const upgraded = upgrade.problem()
    return [...parts.problems(), ...[elsewhere, upgraded].filter((one) => one !== undefined)]
  }

  const share = createShareService(parts)
  const page = createPage({
    env,
    uid,
    files: pageFiles,
    stateDir: places.stateDir,
    configPath,
    socket: () => socket,
    deps: () => deps,
    about: () => ({
      version,
      url,
      socket: socket ?? null,
      state_directory: places.stateDir,
      config: configPath ?? null,
      role: 'owner',
      pid,
      started_at: startedAt,
      share: share.status(),
      problems: problems(),
    }),
  })
  const deps: Deps = {
    host: config.listen.host,
    version,
    program: dirname(packageManifest()),
    broker,
    signIns: broker.signIns,
    callers,
    streams,
    activity,
    web: page,
    problems,
    share,
    vaultKey: {
      configured: () => current.vaultKey,
      move: (to) => broker.vaultKey.move(to),
      rotate: () => broker.vaultKey.rotate(),
    },
    reload,
    stop: () => {
      askToStop()
    },
    appsInConfig: () => appsInConfig(world),
    clock,
    log,
  }
  return {
    deps,
    page,
    stopAsked,
    listensAt(...place) {
      ;[url, socket] = place
    },
  }
}

/** The names of the apps in the config file; none where it cannot be read. */
async function appsInConfig({ readConfig }: Pick<World, 'readConfig'>): Promise<readonly string[]> {
  try {
    const { config } = await readConfig()
    return config.apps.map(({ name }) => name)
  } catch (error) {
    if (error instanceof SidecarError) return []
    throw error
  }
}
