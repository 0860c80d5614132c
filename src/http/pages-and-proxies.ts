/** Refuses requests that a web page caused, or that a proxy passed on. */
import type { IncomingMessage } from 'node:http'
import { SidecarError } from '../errors.ts'

/** Headers that a web page or a proxy nearly always sends, and a local program never. */
const FOREIGN_HEADERS: ReadonlySet<string> = new Set(['origin', 'referer', 'forwarded'])

/** @throws {SidecarError} `forbidden` for a request of a web page or a proxy. */
export function refusePagesAndProxies({ headers }: IncomingMessage): void {
  for (const name in headers) {
    if (FOREIGN_HEADERS.has(name) || name.startsWith('x-forwarded-')) {
      throw new SidecarError('forbidden', `A request with a ${name} header is refused.`)
    }
  }
  // A browser sends `none` for an address that a person types; Node's own fetch sends no such header.
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'none') {
    throw new SidecarError('forbidden', 'A request that a web page caused is refused.')
  }
}
