/** Finds the daemon from options, the environment and `endpoint.json`. */
import type { Endpoint } from '../core/endpoint.ts'
import { locations, ownership } from '../platform/chosen.ts'
import type { Places } from '../platform/for-clients.ts'
import type { TcpTarget } from './tcp.ts'

// As in `connection.ts`: an import of `node:fs` would load much more.
const { readFileSync, statSync } = process.getBuiltinModule('node:fs')

/** Where to look for the daemon; what is left out comes from `env`. */
export interface DaemonAddress {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The path of the owner socket; a URL from `env` is ignored then. */
  readonly socket?: string | undefined
  /** `http://127.0.0.1:PORT`, to ask as a caller with the key in `keyFile`. */
  readonly url?: string | undefined
  readonly keyFile?: string | undefined
  /** The name of the caller that the key was made for; by default $EVO_TOKEN_CALLER, or `local`. */
  readonly caller?: string | undefined
  readonly stateDir?: string | undefined
  /** For what only the owner may do: URLs are ignored. */
  readonly ownerOnly?: boolean
  /** Tells a person what the client waits for; by default a warning of Node. */
  readonly say?: (text: string) => void
}

/** Where the daemon's files usually are. */
export function findDaemonPlaces({
  env,
  stateDir,
}: Pick<DaemonAddress, 'env' | 'stateDir'>): Places {
  return locations.findPlaces({ env, home: locations.homeOf(env), flags: { stateDir } })
}

/**
 * Reads `endpoint.json`. Undefined where there is none, where it is no JSON, and where users other than `uid` and
 * root could have written it; then the usual places are tried.
 */
export function readEndpoint(path: string, uid = ownership.userId()): Endpoint | undefined {
  try {
    const stats = statSync(path)
    if (!stats.isFile() || !ownership.isTrusted(stats, uid) || ownership.othersMayWrite(stats))
      return undefined
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

/** The address and key of a caller; undefined where the owner socket is to be used. */
export function tcpTargetOf(place: DaemonAddress): TcpTarget | undefined {
  const { env, socket, ownerOnly = false } = place
  const url = socket === undefined && !ownerOnly && (place.url ?? env.EVO_TOKEN_URL)
  if (!url) return undefined
  const keyFile = place.keyFile ?? (env.EVO_TOKEN_KEY_FILE || findDaemonPlaces(place).accessKey)
  return { url, keyFile, caller: place.caller ?? (env.EVO_TOKEN_CALLER || 'local') }
}
