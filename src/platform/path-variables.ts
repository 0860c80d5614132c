/** Reads paths in environment variables, by the same rules on each system. */
import { isAbsolute } from 'node:path'

/** An empty variable counts as unset. */
export function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

/** A relative path is ignored, as the XDG Base Directory Specification says. */
export function absoluteOnly(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}
