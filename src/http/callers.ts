/** What a caller may see: an app that it may not use does not exist for it. */
import { SidecarError } from '../errors.ts'
import type { TokenBroker, Caller } from './deps.ts'
import { isNameLike } from './fields.ts'

/** The user who can open the owner socket. */
export const OWNER: Caller = { name: 'owner', apps: ['*'] }

/** A program that asks for what needs no key. */
export const NO_CALLER: Caller = { name: '', apps: [] }

export function visibleApps(broker: TokenBroker, caller: Caller): readonly string[] {
  return broker.appNames().filter((app) => mayUse(caller, app))
}

/** @throws {SidecarError} `unknown_app`, in the same words whether the app is hidden or not there. */
export function requireApp(broker: TokenBroker, caller: Caller, app: string): void {
  if (mayUse(caller, app) && broker.appNames().includes(app)) return
  const named = isNameLike(app) ? `named "${app}"` : 'of this name'
  throw new SidecarError('unknown_app', `No app ${named} is configured.`)
}

export function mayUse({ apps }: Caller, app: string): boolean {
  return apps[0] === '*' || apps.includes(app)
}
