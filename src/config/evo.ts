/** What the Evo documentation says about apps and scopes ("Apps & tokens"), and warnings where a config differs. */
import type { App } from '../core/app.ts'
import { findNearest } from '../nearest.ts'
import { type ConfigFault, toFault } from './faults.ts'

export const EVO_ISSUER = 'https://ims.bentley.com'

/** The redirect URI that the Developer Portal offers for the Evo Python SDK. */
export const EVO_REDIRECT_URI = 'http://localhost:3000/signin-callback'

export const OFFLINE_ACCESS = 'offline_access'

export interface DocumentedScope {
  readonly name: string
  readonly about: string
  /** Whether every OAuth request to Evo should include it. */
  readonly required: boolean
}

export const EVO_SCOPES: readonly DocumentedScope[] = [
  { name: 'evo.discovery', about: 'the Evo Discovery API', required: true },
  { name: 'evo.workspace', about: 'the Workspaces API', required: true },
  { name: 'evo.blocksync', about: 'the Block Model API', required: false },
  { name: 'evo.file', about: 'the File API', required: false },
  { name: 'evo.object', about: 'the Geoscience Object API', required: false },
]

/** The scopes of an app that asks for no particular ones. */
export function usualScopes(type: string): string[] {
  const required = EVO_SCOPES.filter((scope) => scope.required).map(({ name }) => name)
  return type === 'service' ? required : [...required, OFFLINE_ACCESS]
}

export function scopeWarnings(app: App): ConfigFault[] {
  const { name, type, issuer, scopes, accessTokenLifetimeMs } = app
  const path = ['apps', name, 'scopes']
  const missing = EVO_SCOPES.filter(
    (scope) => scope.required && issuer === EVO_ISSUER && !scopes.includes(scope.name),
  ).map((scope) =>
    toFault(
      path,
      `"${scope.name}" is missing: Evo's documentation says to ask for it always, for ${scope.about}`,
    ),
  )
  const odd = scopes.flatMap((scope, at) => {
    const message = oddScope(app, scope)
    return message === undefined ? [] : [toFault([...path, at], message)]
  })
  const renewable = type === 'service' || scopes.includes(OFFLINE_ACCESS)
  // A token that does not end needs nothing to renew it.
  if (renewable || accessTokenLifetimeMs === null) return [...missing, ...odd]
  return [
    ...missing,
    ...odd,
    toFault(
      path,
      `"${OFFLINE_ACCESS}" is missing: nothing renews the token then, and a person has to sign in each time it expires`,
    ),
  ]
}

/** OpenID Connect Core §5.4 and §11; every server may know them. */
const COMMON_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', OFFLINE_ACCESS]

const EVO_PREFIX = /^evo(?![a-z])/i

/** Warns of a scope that is nearly a known one, or looks like one of Evo's: most likely a typing error. */
function oddScope({ issuer }: App, scope: string): string | undefined {
  const isEvo = issuer === EVO_ISSUER
  const evo = EVO_SCOPES.map(({ name }) => name)
  if (COMMON_SCOPES.includes(scope) || (isEvo && evo.includes(scope))) return undefined
  const known = isEvo ? [...evo, OFFLINE_ACCESS] : [OFFLINE_ACCESS]
  const nearest =
    findNearest(scope.toLowerCase(), known) ?? (isEvo ? findByWord(scope, known) : undefined)
  if (nearest !== undefined) {
    return `"${scope}" is not a known scope: did you mean "${nearest}"?`
  }
  return isEvo && EVO_PREFIX.test(scope)
    ? `"${scope}" is not in Evo's documentation, which has ${evo.join(', ')}`
    : undefined
}

/** The length of the shortest word of Evo's scopes (`evo.file`): a shorter one could begin several. */
const SHORTEST_WORD = 4

/** The one of `known` whose own word was meant: `workspaces`, `evo:block`, `offline`. */
function findByWord(scope: string, known: readonly string[]): string | undefined {
  const word = wordOf(scope)
  if (word.length < SHORTEST_WORD) return undefined
  return known.find((name) => wordOf(name).startsWith(word) || word === `${wordOf(name)}s`)
}

/** `evo.block-sync` to `blocksync`. */
function wordOf(scope: string): string {
  return scope
    .toLowerCase()
    .replace(EVO_PREFIX, '')
    .replace(/[^a-z]/g, '')
}
