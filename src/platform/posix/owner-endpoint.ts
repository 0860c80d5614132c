/** Checks the owner's socket for a client, by its owner and mode. `get` starts with it. */
import { dirname } from 'node:path'
import type { Places } from '../for-clients.ts'
import { isRoot, isTrusted, othersMayWrite } from './ownership.ts'

// An import of `node:fs` makes Node load its streams and promises too, which takes 3 ms.
const { realpathSync, statSync } = process.getBuiltinModule('node:fs')

/** Where the service of a machine listens, to its root and the members of its group. */
export const MACHINE_SOCKET = '/run/evo-token/owner.sock'

export const keyed = false

export function usualPaths({ socket }: Places): readonly string[] {
  return [socket, MACHINE_SOCKET]
}

/** The kernel has room for 107 bytes, and Node silently cuts a longer path, to the name of another socket. */
const MAX_PATH_BYTES = 100

export function pathFault(path: string): string | undefined {
  const length = Buffer.byteLength(path)
  return length > MAX_PATH_BYTES
    ? `is ${length} bytes long, and must not be longer than ${MAX_PATH_BYTES} bytes`
    : undefined
}

export function usable(
  path: string,
  named: boolean,
): { readonly path: string } | { readonly reason: string } {
  try {
    const real = realpathSync.native(path)
    // Root may use any user's daemon, but only where root itself names the socket.
    const anyOwner = named && isRoot()
    const reason = whyDistrusted(real, anyOwner) ?? whyDistrusted(dirname(real), anyOwner)
    if (reason !== undefined) return { reason }
    const fault = pathFault(real)
    return fault === undefined ? { path: real } : { reason: `the path "${real}" ${fault}` }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { reason: code === 'ENOENT' ? `there is no "${path}"` : `"${path}" gives ${code}` }
  }
}

/** Why `path` is not to be trusted: others own it, or may put another socket into the directory. */
function whyDistrusted(path: string, anyOwner: boolean): string | undefined {
  const stats = statSync(path)
  if (!anyOwner && !isTrusted(stats)) {
    return `"${path}" belongs to another user (uid ${stats.uid})`
  }
  // The mode of a socket says who may connect; that of a directory who may replace what is in it.
  if (!stats.isSocket() && othersMayWrite(stats)) return `others may write to "${path}"`
  return undefined
}
