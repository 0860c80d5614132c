/** The daemon's start: its directories and its lock first, so that there is one daemon for a vault. */
import { removeTemporaries } from '../adapters/files/atomic-file.ts'
import type { LoadedConfig } from '../adapters/config/config-file.ts'
import { readInheritedSockets } from '../adapters/loopback/inherited-sockets.ts'
import { acquireLock } from '../adapters/process/lock.ts'
import { preparePlaces, requireClosed } from '../adapters/process/daemon-directories.ts'
import { endCommand } from '../platform/chosen.ts'
import { platform } from '../platform/current.ts'
import type { Places } from '../platform/for-clients.ts'
import { SidecarError } from '../errors.ts'
import { type Daemon, startLocked } from './running.ts'
import type { World } from './world.ts'

export interface DaemonOptions {
  readonly loaded: LoadedConfig
  readonly stateDir?: string
  /** Whether to use a vault that another machine made. */
  readonly takeOver?: boolean
}

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
    // A kill during a write leaves temporary files, and one may hold the vault key.
    await removeTemporaries(places.stateDir)
    return await startLocked(
      {
        config: options.loaded.config,
        takeOver: options.takeOver ?? false,
        inherited,
        places,
        release: lock.release,
      },
      world,
    )
  } catch (error) {
    lock.release()
    throw error
  }
}

function alreadyRuns({ stateDir }: Places, pid: number | undefined): SidecarError {
  const who = pid === undefined ? 'Another daemon' : `Another daemon (pid ${pid})`
  const end = pid === undefined ? 'stop it first' : `end it first (\`${endCommand(pid)}\`)`
  return new SidecarError('failed', `${who} already runs with the state directory ${stateDir}.`, {
    hint: `Use that one: \`evo-token status\` shows how it is. Where it does not answer, ${end}; or give this one a --state-dir of its own.`,
  })
}
