/**
 * The door of the page: a port of its own, where the browser shows the key that the one-time link gave to its
 * tab. There is no cookie, since all ports of a host share those. It refuses every other page.
 */
import type { IncomingMessage } from 'node:http'
import { SidecarError } from '../errors.ts'
import { OWNER } from './callers.ts'
import { type Door, hasOnlyHost, isFromLoopback } from './door.ts'

/** The header in which the page shows its key. */
export const PAGE_KEY_HEADER = 'evo-token-page-key'

/** The keys of the open pages. */
export interface PageKeyCheck {
  isKnown(key: string): boolean
}

/** @param origin as a browser writes it: `http://127.0.0.1:PORT`. */
export function createPageDoor(origin: string, keys: PageKeyCheck): Door {
  const hosts = new Set([new URL(origin).host])
  return {
    name: 'page',
    isOwners: true,
    asksForKey: true,
    announcesStop: true,
    isPeer: isFromLoopback,
    isOurHost: (request) => hasOnlyHost(request, hosts),
    requireSender: (request) => {
      requireOwnPage(request, origin)
    },
    identify({ headers }) {
      const key = headers[PAGE_KEY_HEADER]
      if (typeof key === 'string' && keys.isKnown(key)) return OWNER
      throw new SidecarError('invalid_key', 'This page is not open any more.', {
        hint: 'Open it again: `evo-token web`.',
      })
    },
  }
}

/** @throws {SidecarError} `forbidden` unless a script of the page at `origin` sent the request. */
function requireOwnPage({ headers, method }: IncomingMessage, origin: string): void {
  const isOurs =
    headers['sec-fetch-site'] === 'same-origin' &&
    // Browsers send Origin with every method but GET and HEAD.
    (headers.origin === origin || (headers.origin === undefined && method === 'GET'))
  if (!isOurs) throw new SidecarError('forbidden', 'Only the page of evo-token is answered here.')
}
