/** The composition root: the order in which the parts start, and the one in which they stop. */
import { startHeartbeat } from '../adapters/time/heartbeat.ts'
import { loadPageFiles } from '../adapters/loopback/page-files.ts'
import { listen } from '../adapters/loopback/listener.ts'
import { removeEndpoint, writeEndpoint } from '../adapters/process/daemon-directories.ts'
import type { Places } from '../platform/for-clients.ts'
import { createUpgradeWatch } from '../adapters/process/upgrade-watch.ts'
import { createSupervisor } from '../adapters/process/supervisor.ts'
import type { AnyBroker } from '../broker/reader-broker.ts'
import { waitAtMost } from '../broker/wait-at-most.ts'
import type { Config } from '../config/config.ts'
import { createApp } from '../http/app.ts'
import { createTcpDoor } from '../http/door.ts'
import { EventStreams } from '../http/event-streams.ts'
import { answerToMalformed } from '../http/problems.ts'
import { createOwnerDoor } from './owner-door.ts'
import { createOwnerSocketWatch } from './owner-socket-watch.ts'
import { createParts } from './parts.ts'
import { fitConnections, forbidCoreDumps } from './process-limits.ts'
import { createServices } from './services.ts'
import type { World } from './world.ts'

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

export interface LockedStart {
  readonly config: Config
  /** Whether to use a vault that another machine made. */
  readonly takeOver: boolean
  readonly inherited: readonly number[]
  readonly places: Places
  /** Gives the lock back. */
  readonly release: () => void
}

/** @throws {SidecarError} `config`, `failed`: then nothing has been started. */
export async function startLocked(context: LockedStart, world: World): Promise<Daemon> {
  const { config, inherited, places, release, takeOver } = context
  const { env, log, pid } = world
  await forbidCoreDumps(env, log)
  const connectionsMax = fitConnections(log)
  const parts = await createParts(config, places, takeOver, world)
  const { activity, broker, callers } = parts
  const supervisor = createSupervisor(env)
  const streams = new EventStreams(broker)
  const upgrade = createUpgradeWatch(log)
  const [pageFiles] = await Promise.all([loadPageFiles(), broker.open()])
  parts.changes.add((app) => {
    streams.sendStatus(app)
  })
  activity.readers.add((item) => {
    streams.sendActivity(item)
  })
  const services = createServices(
    { config, pageFiles, parts, places, streams, supervisor, upgrade },
    world,
  )
  const { deps, page } = services
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
  const { url } = listener
  const socket = listener.ownerSocket.path
  services.listensAt(url, socket)
  await writeEndpoint(places.endpoint, { url, pid, ...(socket !== undefined && { socket }) })
  const lookAfterSocket = createOwnerSocketWatch({ listener, places, pid, uid: world.uid, log })
  const heartbeat = startHeartbeat({
    everyMs: world.heartbeatMs,
    log,
    beat: async () => {
      broker.beat()
      streams.sendHeartbeat()
      // An open stream does not show its key again.
      for (const name of callers.expired()) streams.endStreamsOf(name)
      await callers.flush()
      await activity.flush()
      await page.beat()
      await lookAfterSocket()
      upgrade.look()
      supervisor.watchdog()
      supervisor.status(() => summarizeReadiness(broker))
    },
  })
  activity.record({ kind: 'started' })
  parts.sharing?.start()
  broker.beat()
  log.info({ url, socket, apps: config.apps.length }, 'listening')
  logNeeds(broker, log)
  // From here on the daemon reads none of its program's files: an upgrade may replace them.
  supervisor.ready()

  return {
    url,
    socket,
    reload: deps.reload,
    stopAsked: services.stopAsked,
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
      await parts.sharing?.stop()
      await listener.stop(DRAIN_MS)
      await callers.flush()
      activity.record({ kind: 'stopped' })
      await activity.flush()
      await removeEndpoint(places.endpoint)
      release()
      log.info({}, 'stopped')
      supervisor.close()
    },
  }
}

/** For `systemctl status`. */
function summarizeReadiness(broker: AnyBroker): string {
  const apps = broker.appNames()
  const ready = apps.filter((app) => broker.readiness(app).ready)
  return `${ready.length} of ${apps.length} apps ready`
}

/** Logs the apps that have no token until a person does something, for the reader of a start's log. */
function logNeeds(broker: AnyBroker, log: World['log']): void {
  for (const app of broker.appNames()) {
    if (broker.readiness(app).ready) continue
    const problem = broker.problems(app).find(({ blocking }) => blocking)
    if (problem?.code !== 'login_required' && problem?.code !== 'misconfigured') continue
    const { message, hint } = problem.callers
    log.info({ app, need: problem.code, hint }, message)
  }
}
