/** The rules for single values of the config: whether a string is what its setting needs. */
import { isAbsolute, join, normalize, sep } from 'node:path'
import ms from 'ms'
import { createTask, validate } from 'node-cron'
import { isLoopbackHost } from '../core/loopback.ts'
import { locations } from '../platform/chosen.ts'

/** A number with its unit; without one, `ms` would take it for milliseconds. */
export const DURATION = /^\d+(?:\.\d+)? ?[A-Za-z]+$/

export const DURATION_OR_NONE = /^(?:none|\d+(?:\.\d+)? ?[A-Za-z]+)$/

/** In milliseconds; NaN for what is no duration. */
export function durationToMs(duration: string): number {
  if (!DURATION.test(duration)) return NaN
  // The types of `ms` say that the unit is a known one; at run time it answers undefined for others.
  const inMs: unknown = ms(duration as ms.StringValue)
  return typeof inMs === 'number' ? inMs : NaN
}

const CRON_LENGTH_MAX = 200

/**
 * Five fields, or six with seconds first; no nicknames like `@daily`. No field has a number above 59:
 * node-cron expands each range before it looks at its bounds, and a long one takes all memory.
 */
export function isCron(expression: string): boolean {
  const isBounded = expression.length <= CRON_LENGTH_MAX && !/0*[1-9]\d\d/.test(expression)
  const isWellFormed = isBounded && /^(?:\S+ +){4,5}\S+$/.test(expression) && validate(expression)
  return isWellFormed && comesTrue(expression)
}

/** Whether the expression is ever due. node-cron looks through a hundred years, and throws where it finds nothing. */
function comesTrue(expression: string): boolean {
  const task = createTask(expression, () => undefined)
  try {
    return task.getNextRuns(1).length > 0
  } catch {
    return false
  } finally {
    // Until it is destroyed, node-cron keeps the task.
    void task.destroy()
  }
}

/** An issuer identifier: no query, no fragment (RFC 8414 §2). */
export function isIssuer(text: string): boolean {
  return isEndpoint(text) && !text.includes('?')
}

/** Where metadata are published: the well-known path stands behind the issuer, or before its path (RFC 8414 §3.1). */
const METADATA_ADDRESS =
  /^(https?:\/\/[^/]+)(.*)\/\.well-known\/(?:openid-configuration|oauth-authorization-server)(\/.+)?\/?$/

/** The issuer whose metadata are at this address; undefined for an address of anything else. */
export function issuerOfMetadata(address: string): string | undefined {
  const found = METADATA_ADDRESS.exec(address)
  return found ? found.slice(1).join('') : undefined
}

/** `https:`, or `http:` to this machine; no fragment (RFC 6749 §3.1), no password. */
export function isEndpoint(text: string): boolean {
  const url = parseUrl(text)
  if (!url?.hostname || text.includes('#') || url.username || url.password) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}

/** An absolute URI without a fragment (RFC 6749 §3.1.2); custom schemes are for pasted sign-ins. */
export function isRedirectUri(text: string): boolean {
  const url = parseUrl(text)
  return url !== undefined && !text.includes('#') && !NO_REDIRECT.has(url.protocol)
}

/**
 * No authorization server redirects to these, and a browser must never follow one; the last is a host
 * whose `http://` was left out.
 */
const NO_REDIRECT = new Set([
  ...['javascript:', 'vbscript:', 'data:', 'blob:', 'about:', 'file:'],
  'localhost:',
])

function parseUrl(text: string): URL | undefined {
  // The URL parser forgives spaces and line breaks; an authorization server compares text.
  return /^[\x21-\x7e]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined
}

/** The paths of all systems, for editors. */
export const FILE_PATH = /^(?:~[\\/]|\/|\\\\|[A-Za-z]:[\\/])[^\u0000-\u001f]+$/

/** Absolute on this system, or below the home directory: the working directory of a daemon says nothing. */
export function isFilePath(path: string): boolean {
  return FILE_PATH.test(path) && isAbsolute(toPath(path))
}

/** @param path absolute, or below the home directory. */
export function hasNamesOfFiles(path: string): boolean {
  return locations.mayBeFile(toPath(path))
}

export function toPath(path: string, home: string = locations.homeOf(process.env)): string {
  const isBelowHome = path.startsWith('~/') || path.startsWith(`~${sep}`)
  return isBelowHome ? join(home, path.slice(2)) : normalize(path)
}
