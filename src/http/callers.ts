/** Decides which apps a caller may see. One that it may not use does not exist for it. */
import { OWNER_NAME } from '../core/names.ts'
import { SidecarError } from '../errors.ts'
import { findNearest } from '../nearest.ts'
import { isNameLike } from './fields.ts'

/** A local program that asks us for tokens. */
export interface Caller {
  readonly name: string
  /** The apps that it may use; `*` alone stands for all of them. */
  readonly apps: readonly string[]
}

/** The configured apps, in the order of the config. */
export interface AppNames {
  appNames(): readonly string[]
  hasApp(app: string): boolean
}

/** The user who can open the owner socket. */
export const OWNER: Caller = { name: OWNER_NAME, apps: ['*'] }

/** The caller of a request that needs no key. */
export const NO_CALLER: Caller = { name: '', apps: [] }

export function visibleApps(broker: AppNames, caller: Caller): readonly string[] {
  return broker.appNames().filter((app) => mayUse(caller, app))
}

export function isVisible(broker: AppNames, caller: Caller, app: string): boolean {
  return mayUse(caller, app) && broker.hasApp(app)
}

/**
 * The error for an app that is not there or is hidden: the same words for both. It suggests a similar name
 * of an app that the caller may use.
 *
 * @param known the apps that the caller may use.
 * @param inFile whether the config file has the app, which the daemon has not read yet; for the owner only.
 */
export function unknownApp(
  code: 'unknown_app' | 'invalid_request',
  app: string,
  known: readonly string[],
  inFile = false,
): SidecarError {
  if (inFile) {
    return new SidecarError(
      code,
      `The daemon does not know "${app}" yet: the config was changed.`,
      {
        hint: 'Run `evo-token reload`, then try again.',
      },
    )
  }
  const named = isNameLike(app) ? `named "${app}"` : 'of this name'
  const nearest = findNearest(app, known)
  const instead = nearest === undefined ? '' : ` Did you mean "${nearest}"?`
  const hint =
    known.length === 0
      ? 'Describe one with `evo-token init`, then `evo-token reload`.'
      : 'List the apps with `evo-token status`.'
  return new SidecarError(code, `No app ${named} is configured.${instead}`, { hint })
}

export function mayUse({ apps }: Caller, app: string): boolean {
  return apps[0] === '*' || apps.includes(app)
}
