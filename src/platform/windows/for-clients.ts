/**
 * What every command needs on Windows: one module, since every system loads it, and `get` starts with it.
 * Files are below this user's profile, whose access lists keep other users out.
 */
import { isAbsolute, join, resolve } from 'node:path'
import type { Env, ForClients, Locations, OwnerEndpoint, Ownership, Places } from '../platform.ts'

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
}

export function homeOf(env: Env): string {
  return env.USERPROFILE || process.getBuiltinModule('node:os').homedir()
}

function placesIn(stateDir: string, runtimeDir: string): Places {
  const { randomBytes } = process.getBuiltinModule('node:crypto')
  return {
    stateDir,
    runtimeDir,
    // Another one each time, which no other program can have taken: clients read it in `endpoint.json`.
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

/** An empty variable counts as unset. */
function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function absoluteOnly(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}

const PIPE = /^\\\\[.?]\\pipe\\[^\\]+$/

function pathFault(path: string): string | undefined {
  return PIPE.test(path)
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
 * Whose a file is, as far as Node tells on Windows: not at all. `access-list.ts` asks Windows itself, for
 * the directories and files on which the rest depends.
 */
const ownership: Ownership = {
  /** No number of any user. */
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
  // By force: Windows tells a program without a window nothing.
  endCommand: (pid) => `taskkill /f /pid ${pid}`,
}
