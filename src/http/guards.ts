/**
 * Decides who may ask at all. Every request passes these checks, in this order: peer, Host, neither web page
 * nor proxy, proof. Routes of the owner alone refuse other callers themselves.
 */
import type { IncomingMessage } from 'node:http'
import { SidecarError } from '../errors.ts'
import { type Caller, NO_CALLER } from './callers.ts'
import type { Door } from './door.ts'
import type { Route } from './route.ts'

/** Returns the caller of an accepted request; throws the first reason to refuse it. */
export type Guard = (request: IncomingMessage) => Caller

export function createGuard(door: Door, routes: readonly Pick<Route, 'path' | 'access'>[]): Guard {
  const openPaths = new Set(
    routes.filter(({ access }) => access === 'anyone').map(({ path }) => path),
  )
  return (request) => {
    if (!door.isPeer(request)) {
      throw new SidecarError('forbidden', 'Only programs on this machine may ask.')
    }
    if (!door.isOurHost(request)) {
      throw new SidecarError('wrong_host', 'The Host header has to name this daemon, once.')
    }
    door.requireSender(request)
    // Where no key is asked for, the caller is known by the connection alone.
    const isOpen = door.asksForKey && openPaths.has(requestPath(request))
    return isOpen ? NO_CALLER : door.identify(request)
  }
}

/** The path alone, as it was sent. */
export function requestPath({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}
