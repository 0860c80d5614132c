/** Where things are on Windows: below this user's profile, whose access lists keep other users out. `get` starts with it. */
import { randomBytes } from 'node:crypto'
import { isAbsolute, join, resolve } from 'node:path'
import type { ChosenDirectory, Env, PlaceOptions, Places } from '../platform.ts'

export function homeOf(env: Env): string {
  return env.USERPROFILE || process.getBuiltinModule('node:os').homedir()
}

export function configPath(option: string | undefined, env: Env, home: string): string {
  const named = given(option) ?? given(env.EVO_TOKEN_CONFIG)
  if (named !== undefined) return resolve(named)
  const base = absolute(env.APPDATA) ?? join(home, 'AppData', 'Roaming')
  return join(base, 'evo-token', 'config.json')
}

export function stateDirectory({ env, home, flags }: PlaceOptions): ChosenDirectory {
  const named = flags.stateDir ?? given(env.EVO_TOKEN_STATE_DIR)
  if (named !== undefined) return { path: resolve(named), byServiceManager: false }
  const base = absolute(env.LOCALAPPDATA) ?? join(home, 'AppData', 'Local')
  return { path: join(base, 'evo-token'), byServiceManager: false }
}

/** The owner's endpoint is in no directory, so nothing else needs one. */
export function runtimeDirectory(_options: PlaceOptions, stateDir: string): ChosenDirectory {
  return { path: stateDir, byServiceManager: false }
}

export function findPlaces(options: PlaceOptions): Places {
  const stateDir = stateDirectory(options).path
  return placesIn(stateDir, stateDir)
}

export function placesIn(stateDir: string, runtimeDir: string): Places {
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
  }
}

/** An empty variable counts as unset. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}
