/** Paths on POSIX, by the XDG Base Directory Specification and systemd's variables. `get` starts with it. */
import { join, resolve } from 'node:path'
import { absoluteOnly, nonEmpty } from '../path-variables.ts'
import type { ChosenDirectory, Env, PlaceOptions, Places } from '../for-clients.ts'

export function homeOf(env: Env): string {
  return absoluteOnly(env.HOME) ?? homeOfUser()
}

/** That of the user database; `/` for a user that is not in it, as a container may run programs. */
function homeOfUser(): string {
  try {
    return process.getBuiltinModule('node:os').userInfo().homedir
  } catch {
    return '/'
  }
}

export function configPath(option: string | undefined, env: Env, home: string): string {
  const named = nonEmpty(option) ?? nonEmpty(env.EVO_TOKEN_CONFIG)
  if (named !== undefined) return resolve(named)
  const base = absoluteOnly(env.XDG_CONFIG_HOME) ?? join(home, '.config')
  return join(base, 'evo-token', 'config.json')
}

export function stateDirectory({ env, home, flags }: PlaceOptions): ChosenDirectory {
  const named = flags.stateDir ?? nonEmpty(env.EVO_TOKEN_STATE_DIR)
  if (named !== undefined) return { path: resolve(named), byServiceManager: false }
  const provided = firstPath(env.STATE_DIRECTORY)
  if (provided !== undefined) return { path: provided, byServiceManager: true }
  const base = absoluteOnly(env.XDG_STATE_HOME) ?? join(home, '.local/state')
  return { path: join(base, 'evo-token'), byServiceManager: false }
}

export function runtimeDirectory({ env }: PlaceOptions, stateDir: string): ChosenDirectory {
  const named = nonEmpty(env.EVO_TOKEN_RUNTIME_DIR)
  if (named !== undefined) return { path: resolve(named), byServiceManager: false }
  const provided = firstPath(env.RUNTIME_DIRECTORY)
  if (provided !== undefined) return { path: provided, byServiceManager: true }
  const base = absoluteOnly(env.XDG_RUNTIME_DIR)
  const path = base === undefined ? join(stateDir, 'run') : join(base, 'evo-token')
  return { path, byServiceManager: false }
}

export function mayBeFile(): boolean {
  return true
}

/** Letters count; what links lead to is not asked. */
export function pathKey(path: string): string {
  return path
}

export function findPlaces(options: PlaceOptions): Places {
  const stateDir = stateDirectory(options).path
  return placesIn(stateDir, runtimeDirectory(options, stateDir).path)
}

export function placesIn(stateDir: string, runtimeDir: string): Places {
  return {
    stateDir,
    runtimeDir,
    socket: join(runtimeDir, 'owner.sock'),
    endpoint: join(stateDir, 'endpoint.json'),
    accessKey: join(stateDir, 'access-key'),
    ownerKey: join(stateDir, 'owner-key'),
    lock: join(stateDir, 'lock'),
    activity: join(stateDir, 'activity'),
    vault: join(stateDir, 'vault'),
    vaultKey: join(stateDir, 'vault-key'),
  }
}

/** systemd separates several directories with colons. */
function firstPath(paths: string | undefined): string | undefined {
  return nonEmpty(paths?.split(':')[0])
}
