/** The environment of a program on Windows, where case does not matter in the names of variables. */
import type { Env } from '../for-clients.ts'

/** Node would pass only the first of two names that differ in case. */
export function environmentWith(env: Env, variables: Env): NodeJS.ProcessEnv {
  const replaced = new Set(Object.keys(variables).map((name) => name.toUpperCase()))
  const kept = Object.entries(env).filter(([name]) => !replaced.has(name.toUpperCase()))
  return { ...Object.fromEntries(kept), ...variables }
}
