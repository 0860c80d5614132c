/**
 * The owner's named pipe as a client sees it. Node cannot say who may connect to a pipe that it makes, and
 * another program may have taken a name: so the daemon proves itself there, and the owner shows a key.
 */
import type { Places } from '../platform.ts'

const PIPE = /^\\\\[.?]\\pipe\\[^\\]+$/

export const keyed = true

export function usualPaths(_places: Places): readonly string[] {
  return []
}

export function pathFault(path: string): string | undefined {
  return PIPE.test(path)
    ? undefined
    : String.raw`is not that of a pipe of this machine (\\.\pipe\…)`
}

export function usable(path: string): { readonly path: string } | { readonly reason: string } {
  const fault = pathFault(path)
  return fault === undefined ? { path } : { reason: `"${path}" ${fault}` }
}
