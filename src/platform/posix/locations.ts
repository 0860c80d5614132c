/** Where things are on POSIX: the XDG Base Directory Specification, and what systemd grants. `get` starts with it. */
import { isAbsolute, join, resolve } from 'node:path'
import type { ChosenDirectory, Env, PlaceOptions, Places } from '../platform.ts'

export function homeOf(env: Env): string {
  return env.HOME || process.getBuiltinModule('node:os').homedir()
}

export function configPath(option: string | undefined, env: Env, home: string): string {
  const named = given(option) ?? given(env.EVO_TOKEN_CONFIG)
  if (named !== undefined) return resolve(named)
  const base = absolute(env.XDG_CONFIG_HOME) ?? join(home, '.config')
  return join(base, 'evo-token', 'config.json')
}

export function stateDirectory({ env, home, flags }: PlaceOptions): ChosenDirectory {
  const named = flags.stateDir ?? given(env.EVO_TOKEN_STATE_DIR)
  if (named !== undefined) return { path: resolve(named), byServiceManager: false }
  const granted = firstOf(env.STATE_DIRECTORY)
  if (granted !== undefined) return { path: granted, byServiceManager: true }
  const base = absolute(env.XDG_STATE_HOME) ?? join(home, '.local/state')
  return { path: join(base, 'evo-token'), byServiceManager: false }
}

export function runtimeDirectory({ env }: PlaceOptions, stateDir: string): ChosenDirectory {
  const named = given(env.EVO_TOKEN_RUNTIME_DIR)
  if (named !== undefined) return { path: resolve(named), byServiceManager: false }
  const granted = firstOf(env.RUNTIME_DIRECTORY)
  if (granted !== undefined) return { path: granted, byServiceManager: true }
  const base = absolute(env.XDG_RUNTIME_DIR)
  const path = base === undefined ? join(stateDir, 'run') : join(base, 'evo-token')
  return { path, byServiceManager: false }
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
    vault: join(stateDir, 'vault'),
    vaultKey: join(stateDir, 'vault-key'),
  }
}

/** An empty variable counts as unset. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

/** The specification has relative paths ignored. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}

/** systemd separates several directories with colons. */
function firstOf(paths: string | undefined): string | undefined {
  return given(paths?.split(':')[0])
}
