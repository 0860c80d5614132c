/** The composition root: the order in which the parts start, and the one in which they stop. */
import { readPackageVersion } from '../adapters/process/package-version.ts'
import { removeTemporaries } from '../adapters/files/atomic-file.ts'
import type { LoadedConfig } from '../adapters/config/config-file.ts'
import { startHeartbeat } from '../adapters/time/heartbeat.ts'
import { readInheritedSockets, listen } from '../adapters/loopback/listener.ts'
import { acquireLock } from '../adapters/process/lock.ts'
import {
  preparePlaces,
  removeEndpoint,
  requireClosed,
  writeEndpoint,
} from '../adapters/process/daemon-directories.ts'
import { endCommand } from '../platform/chosen.ts'
import { platform } from '../platform/current.ts'
import type { Places } from '../platform/platform.ts'
import { createUpgradeWatch } from '../adapters/process/upgrade-watch.ts'
import { createSupervisor } from '../adapters/process/supervisor.ts'
import type { Broker } from '../broker/broker.ts'
import { waitAtMost } from '../broker/wait-at-most.ts'
import { keyElsewhere } from '../core/vault-key-source.ts'
import { SidecarError } from '../errors.ts'
import { createApp } from '../http/app.ts'
import { createTcpDoor } from '../http/door.ts'
import type { Deps } from '../http/deps.ts'
import { EventStreams } from '../http/event-streams.ts'
import { answerToMalformed } from '../http/problems.ts'
import { createOwnerDoor } from './owner-door.ts'
import { createOwnerSocketWatch } from './owner-socket-watch.ts'
import { createPage } from './page.ts'
import { createParts } from './parts.ts'
import { fitConnections, forbidCoreDumps } from './process-limits.ts'
import { describeReload } from './reload.ts'
import type { World } from './world.ts'

export interface DaemonOptions {
  readonly loaded: LoadedConfig
  readonly stateDir?: string
  /** Whether to use a vault that another machine made. */
  readonly takeOver?: boolean
}

export interface Daemon {
  readonly url: string
  readonly socket: string | undefined
  /** Reads the config again; a bad one changes nothing. @throws {SidecarError} `config`. */
  reload(): Promise<object>
  /** Resolves when the owner has asked it to stop: then call `stop`. */
  readonly stopAsked: Promise<void>
  /** Resolves when every running request to an authorization server is answered, and its answer stored. */
  settled(): Promise<void>
  /** Starts nothing new, lets running refreshes finish and be stored, then closes the sockets. */
  stop(): Promise<void>
}

/**
 * How long a stop waits for requests to authorization servers. With the rest of a stop it is less than
 * the 35 s in which the daemon ends; service managers wait longer (45 s in our units).
 */
const STOP_MS = 32_000

/** How long a stop waits for responses to callers. */
const DRAIN_MS = 1_000

/** @throws {SidecarError} `config`, `failed`: then nothing has been started. */
export async function startDaemon(options: DaemonOptions, world: World): Promise<Daemon> {
  const { env, home, log, pid, uid } = world
  for (const { path, message } of options.loaded.warnings) log.warn({ setting: path }, message)
  const inherited = readInheritedSockets(env, pid)
  const places = preparePlaces({
    env,
    home,
    uid,
    flags: { stateDir: options.stateDir },
    socketsInherited: inherited.some(
      (fd) => platform.ownerListener.pathOfInherited(fd) !== undefined,
    ),
  })
  await requireClosed(places.stateDir, log)
  const lock = await acquireLock(places.lock)
  if (lock.kind === 'taken') throw alreadyRuns(places, lock.pid)
  try {
    // A kill during a write leaves them, and one may hold the vault key.
    await removeTemporaries(places.stateDir)
    return await startLocked({ options, inherited, places, release: lock.release }, world)
  } catch (error) {
    lock.release()
    throw error
  }
}

interface StartContext {
  readonly options: DaemonOptions
  readonly inherited: readonly number[]
  readonly places: Places
  readonly release: () => void
}

async function startLocked(context: StartContext, world: World): Promise<Daemon> {
  const { options, inherited, places, release } = context
  const { config } = options.loaded
  const { clock, env, log, pid } = world
  await forbidCoreDumps(env, log)
  const connectionsMax = fitConnections(log)
  const parts = await createParts(config, places, options.takeOver ?? false, world)
  const { activity, broker, callers } = parts
  const supervisor = createSupervisor(env)
  const streams = new EventStreams(broker)
  const upgrade = createUpgradeWatch(log)
  let current = config
  const reload = async () => {
    supervisor.reloading()
    try {
      const next = await world.readConfig()
      current = next.config
      const plan = await broker.reload(parts.registrar(next.config.apps))
      for (const app of plan.removed) streams.sendRemoved(app)
      const warnings = [...next.warnings, ...(await parts.configureFiles(next.config.files))]
      return describeReload(plan, config, { ...next, warnings }, (app) => broker.status(app))
    } finally {
      supervisor.ready()
    }
  }
  let askToStop: () => void = () => undefined
  const stopAsked = new Promise<void>((resolve) => {
    askToStop = resolve
  })
  await broker.open()
  parts.changes.add((app) => {
    streams.sendStatus(app)
  })
  activity.readers.add((item) => {
    streams.sendActivity(item)
  })
  let socketPath: string | null = null
  let tcpUrl = ''
  const page = createPage({
    env,
    uid: world.uid,
    stateDir: places.stateDir,
    configPath: world.configPath,
    socket: () => socketPath ?? undefined,
    deps: () => deps,
    about: () => ({
      version: readPackageVersion(),
      url: tcpUrl,
      socket: socketPath,
      state_directory: places.stateDir,
      config: world.configPath ?? null,
      role: 'owner',
      pid,
      started_at: new Date(startedAt).toISOString(),
      problems: deps.problems(),
    }),
  })
  const startedAt = clock.read().wall
  const deps: Deps = {
    host: config.listen.host,
    version: readPackageVersion(),
    broker,
    signIns: broker.signIns,
    callers,
    streams,
    activity,
    web: page,
    problems: () => {
      const elsewhere = keyElsewhere(current.vaultKey, broker.vaultKeySource())
      const upgraded = upgrade.problem()
      return [...parts.problems(), ...[elsewhere, upgraded].filter((one) => one !== undefined)]
    },
    vaultKey: {
      configured: () => current.vaultKey,
      move: (to: 'keychain' | 'file') => broker.moveVaultKey(to),
      rotate: () => broker.rotateVaultKey(),
    },
    reload,
    stop: () => {
      askToStop()
    },
    appsInConfig: () => appsInConfig(world),
    clock,
    log,
  }
  const listener = await listen({
    ...config.listen,
    socketPath: places.socket,
    lockHeld: true,
    tcp: createApp(deps, createTcpDoor(deps)),
    owner: createApp(deps, await createOwnerDoor(places)),
    inherited,
    connectionsMax,
    answerToMalformed,
    log,
  })
  const { url, socketPath: socket } = listener
  socketPath = socket ?? null
  tcpUrl = url
  await writeEndpoint(places.endpoint, { url, pid, ...(socket !== undefined && { socket }) })
  const lookAfterSocket = createOwnerSocketWatch({ listener, places, pid, uid: world.uid, log })
  const heartbeat = startHeartbeat({
    everyMs: world.heartbeatMs,
    log,
    beat: async () => {
      broker.beat()
      streams.sendHeartbeat()
      // A stream that is open already does not show its key again.
      for (const name of callers.expired()) streams.endStreamsOf(name)
      await callers.flush()
      await activity.flush()
      await page.beat()
      await lookAfterSocket()
      upgrade.look()
      supervisor.watchdog()
      supervisor.status(describeReadiness(broker))
    },
  })
  activity.record({ kind: 'started' })
  broker.beat()
  log.info({ url, socket, apps: config.apps.length }, 'listening')
  logNeeds(broker, log)
  supervisor.ready()
  parts.loadTheRest(url).then(
    () => {
      log.debug({}, 'loaded')
    },
    (err: unknown) => {
      log.warn({ err }, 'what is needed later could not be loaded yet')
    },
  )

  return {
    url,
    socket,
    reload,
    stopAsked,
    settled: () => broker.drain(),
    async stop() {
      supervisor.stopping()
      log.info({}, 'stopping')
      await heartbeat.stop()
      streams.close()
      await page.stop()
      const stopped = broker.stop()
      await waitAtMost(world.sleep, STOP_MS, stopped)
      // A request that is still running has its mark on disk: the next start finds it unanswered.
      parts.breakOff()
      await stopped
      await listener.stop(DRAIN_MS)
      await callers.flush()
      activity.record({ kind: 'stopped' })
      await activity.flush()
      removeEndpoint(places.endpoint)
      release()
      log.info({}, 'stopped')
      supervisor.close()
    },
  }
}

/** For `systemctl status`. */
function describeReadiness(broker: Broker): string {
  const apps = broker.appNames()
  const ready = apps.filter((app) => broker.readiness(app).ready)
  return `${ready.length} of ${apps.length} apps ready`
}

function alreadyRuns({ stateDir }: Places, pid: number | undefined): SidecarError {
  const who = pid === undefined ? 'Another daemon' : `Another daemon (pid ${pid})`
  const end = pid === undefined ? 'stop it first' : `end it first (\`${endCommand(pid)}\`)`
  return new SidecarError('failed', `${who} already runs with the state directory ${stateDir}.`, {
    hint: `Use that one: \`evo-token status\` shows how it is. Where it does not answer, ${end}; or give this one a --state-dir of its own.`,
  })
}

async function appsInConfig({ readConfig }: Pick<World, 'readConfig'>): Promise<readonly string[]> {
  try {
    const { config } = await readConfig()
    return config.apps.map(({ name }) => name)
  } catch (error) {
    if (error instanceof SidecarError) return []
    throw error
  }
}

/** The apps that have no token until a person does something: for who reads the log of a start. */
function logNeeds(broker: Broker, log: World['log']): void {
  for (const app of broker.appNames()) {
    const problem = broker.status(app).problems.find(({ blocking }) => blocking)
    if (problem?.code !== 'login_required' && problem?.code !== 'misconfigured') continue
    const { message, hint } = problem.callers
    log.info({ app, need: problem.code, hint }, message)
  }
}
