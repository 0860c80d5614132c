/**
 * What every command needs on Windows: one module, since every system loads it, and `get` starts with it.
 * Files are below this user's profile, whose access lists keep other users out.
 */
import { join, resolve } from 'node:path'
import { absoluteOnly, nonEmpty } from '../path-variables.ts'
import type {
  Env,
  ForClients,
  Locations,
  OwnerEndpoint,
  Ownership,
  Places,
} from '../for-clients.ts'
import { mayBeFile, pathKey } from './file-path.ts'
import { commandPaths } from './program-in-path.ts'

export const locations: Locations = {
  homeOf,
  configPath(option, env, home) {
    const named = nonEmpty(option) ?? nonEmpty(env.EVO_TOKEN_CONFIG)
    if (named !== undefined) return resolve(named)
    const base = absoluteOnly(env.APPDATA) ?? join(home, 'AppData', 'Roaming')
    return join(base, 'evo-token', 'config.json')
  },
  stateDirectory({ env, home, flags }) {
    const named = flags.stateDir ?? nonEmpty(env.EVO_TOKEN_STATE_DIR)
    if (named !== undefined) return { path: resolve(named), byServiceManager: false }
    const base = absoluteOnly(env.LOCALAPPDATA) ?? join(home, 'AppData', 'Local')
    return { path: join(base, 'evo-token'), byServiceManager: false }
  },
  /** The owner's endpoint is in no directory, so nothing else needs one. */
  runtimeDirectory: (_options, stateDir) => ({ path: stateDir, byServiceManager: false }),
  findPlaces(options) {
    const stateDir = locations.stateDirectory(options).path
    return placesIn(stateDir, stateDir)
  },
  placesIn,
  mayBeFile,
  pathKey,
}

export function homeOf(env: Env): string {
  return env.USERPROFILE || process.getBuiltinModule('node:os').homedir()
}

function placesIn(stateDir: string, runtimeDir: string): Places {
  const { randomBytes } = process.getBuiltinModule('node:crypto')
  return {
    stateDir,
    runtimeDir,
    // New each time, so that no other program can have taken the name: clients read it in `endpoint.json`.
    socket: `\\\\.\\pipe\\evo-token-${randomBytes(16).toString('hex')}`,
    endpoint: join(stateDir, 'endpoint.json'),
    accessKey: join(stateDir, 'access-key'),
    ownerKey: join(stateDir, 'owner-key'),
    lock: join(stateDir, 'lock'),
    vault: join(stateDir, 'vault'),
    vaultKey: join(stateDir, 'vault-key'),
    activity: join(stateDir, 'activity'),
  }
}

const PIPE_PATH = /^\\\\[.?]\\pipe\\[^\\]+$/

function pathFault(path: string): string | undefined {
  return PIPE_PATH.test(path)
    ? undefined
    : String.raw`is not that of a pipe of this machine (\\.\pipe\…)`
}

/**
 * Node cannot say who may connect to a pipe that it makes, and another program may have taken a name: so
 * the daemon proves itself there, and the owner shows a key.
 */
export const ownerEndpoint: OwnerEndpoint = {
  keyed: true,
  // Each daemon is that of one user.
  MACHINE_SOCKET: undefined,
  usualPaths: () => [],
  pathFault,
  usable(path) {
    const fault = pathFault(path)
    return fault === undefined ? { path } : { reason: `"${path}" ${fault}` }
  },
}

/**
 * Node does not show on Windows whose a file is. `access.ts` asks Windows itself, about the directories
 * and files on which the rest depends.
 */
const ownership: Ownership = {
  /** Not the id of any user. */
  userId: () => -1,
  isRoot: () => false,
  isOwn: () => true,
  isTrusted: () => true,
  othersMayWrite: () => false,
  othersMayEnter: () => false,
  /** The name and the first line decide it, not a mode. */
  isProgram: () => true,
}

export const forWindows: ForClients = {
  locations,
  ownership,
  ownerEndpoint,
  // By force: Windows cannot ask a program without a window to end.
  endCommand: (pid) => `taskkill /f /pid ${pid}`,
  commandPaths,
}
