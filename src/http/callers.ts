/** Which apps a caller may see: one that it may not use does not exist for it. */
import { SidecarError } from '../errors.ts'
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
}

/** The user who can open the owner socket. */
export const OWNER: Caller = { name: 'owner', apps: ['*'] }

/** The caller of a request that needs no key. */
export const NO_CALLER: Caller = { name: '', apps: [] }

export function visibleApps(broker: AppNames, caller: Caller): readonly string[] {
  return broker.appNames().filter((app) => mayUse(caller, app))
}

/** @throws {SidecarError} `unknown_app`, in the same words whether the app is hidden or not there. */
export function requireApp(broker: AppNames, caller: Caller, app: string): void {
  if (mayUse(caller, app) && broker.appNames().includes(app)) return
  const named = isNameLike(app) ? `named "${app}"` : 'of this name'
  throw new SidecarError('unknown_app', `No app ${named} is configured.`)
}

export function mayUse({ apps }: Caller, app: string): boolean {
  return apps[0] === '*' || apps.includes(app)
}
