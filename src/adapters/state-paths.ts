/**
 * Where the daemon and its files are, as the README's table has it. Reads, makes nothing, and
 * imports next to nothing: `evo-token get` starts with it.
 */
import { isAbsolute, join, resolve } from 'node:path'

// Imported as a module, it brings streams and promises with it, which `get` would pay for.
const { readFileSync, statSync } = process.getBuiltinModule('node:fs')

/**
 * The longest path of a socket that we use. The kernel has room for 107 bytes (103 on macOS), and Node
 * cuts off the rest without a word: the path would name another socket.
 */
export const SOCKET_PATH_MAX_BYTES = 100

export interface PlaceOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly flags: { readonly stateDir?: string | undefined }
}

export interface ChosenDirectory {
  readonly path: string
  /** systemd named it: then it may be a symbolic link of systemd's own. */
  readonly bySystemd: boolean
}

export interface Places {
  readonly stateDir: string
  readonly runtimeDir: string
  readonly socket: string
  readonly endpoint: string
  readonly accessKey: string
  readonly lock: string
  readonly vault: string
  readonly vaultKey: string
}

/** What a running daemon wrote down about itself. */
export interface Endpoint {
  /** Absent where systemd handed the socket over. */
  readonly socket?: string
  readonly url?: string
  readonly pid: number
}

export function stateDirectory({ env, home, flags }: PlaceOptions): ChosenDirectory {
  const named = flags.stateDir ?? given(env.EVO_TOKEN_STATE_DIR)
  if (named !== undefined) return { path: resolve(named), bySystemd: false }
  const granted = firstOf(env.STATE_DIRECTORY)
  if (granted !== undefined) return { path: granted, bySystemd: true }
  const base = absolute(env.XDG_STATE_HOME) ?? join(home, '.local/state')
  return { path: join(base, 'evo-token'), bySystemd: false }
}

export function runtimeDirectory({ env }: PlaceOptions, stateDir: string): ChosenDirectory {
  const named = given(env.EVO_TOKEN_RUNTIME_DIR)
  if (named !== undefined) return { path: resolve(named), bySystemd: false }
  const granted = firstOf(env.RUNTIME_DIRECTORY)
  if (granted !== undefined) return { path: granted, bySystemd: true }
  const base = absolute(env.XDG_RUNTIME_DIR)
  const path = base === undefined ? join(stateDir, 'run') : join(base, 'evo-token')
  return { path, bySystemd: false }
}

/** The places as they are named; the daemon's `preparePlaces` makes and checks them. */
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
    lock: join(stateDir, 'lock'),
    vault: join(stateDir, 'vault'),
    vaultKey: join(stateDir, 'vault-key'),
  }
}

/**
 * What `endpoint.json` says. Undefined where there is none, where a crash cut it short, and where
 * anybody but `uid` and root could have written it: then the usual places are tried instead.
 */
export function readEndpoint(path: string, uid: number): Endpoint | undefined {
  try {
    const stats = statSync(path)
    if ((stats.uid !== uid && stats.uid !== 0) || (stats.mode & 0o022) !== 0) return undefined
    return toEndpoint(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

function toEndpoint(value: unknown): Endpoint | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { socket, url, pid } = value as Record<string, unknown>
  if (typeof pid !== 'number') return undefined
  return {
    ...(typeof socket === 'string' && { socket }),
    ...(typeof url === 'string' && { url }),
    pid,
  }
}

/** An empty variable counts as unset. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

/** A relative path in one of these is to be ignored (XDG Base Directory Specification). */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}

/** systemd separates several directories with colons. */
function firstOf(paths: string | undefined): string | undefined {
  return given(paths?.split(':')[0])
}
