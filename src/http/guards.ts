/**
 * Who may ask at all. Every request passes these, in this order: the peer, the Host, no web page
 * and no proxy, the key. What only the owner may do is refused by the routes themselves.
 */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { SidecarError } from '../errors.ts'
import { NOBODY, OWNER } from './callers.ts'
import type { Caller, CallersDoor, Deps, Door } from './deps.ts'
import type { Route } from './route.ts'

/** What lets a request in: it gives the caller, and throws at the first thing that is not in order. */
export type Guard = (request: IncomingMessage) => Caller

export function createGuard(
  { host, callers }: Pick<Deps, 'host' | 'callers'>,
  door: Door,
  routes: readonly Pick<Route, 'path' | 'access'>[],
): Guard {
  const openPaths = new Set(
    routes.filter(({ access }) => access === 'anyone').map(({ path }) => path),
  )
  const isPeer = door === 'tcp' ? fromLoopback : fromSocket
  const isOurHost = door === 'tcp' ? createTcpHost(host) : isSocketHost
  return (request) => {
    if (!isPeer(request)) {
      throw new SidecarError('forbidden', 'Only programs on this machine may ask.')
    }
    if (!isOurHost(request)) {
      throw new SidecarError('wrong_host', 'The Host header has to name this daemon, once.')
    }
    refusePagesAndProxies(request)
    if (door === 'owner') return OWNER
    return openPaths.has(pathOf(request)) ? NOBODY : identify(request, callers)
  }
}

/** The path alone, as it was sent. */
export function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** The kernel writes the address, always in the same form; a listener that systemd made may be open to others. */
function fromLoopback({ socket }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? ''
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

/** Whoever has an address has not come through the owner socket. */
function fromSocket({ socket }: IncomingMessage): boolean {
  return socket.remoteAddress === undefined
}

/** A page that rebinds its DNS name to 127.0.0.1 still sends that name as Host. */
function createTcpHost(host: string): (request: IncomingMessage) => boolean {
  const names = ['localhost', '127.0.0.1', '[::1]', isIPv6(host) ? `[${host}]` : host]
  const byPort = new Map<number, ReadonlySet<string>>()
  return (request) => {
    const port = request.socket.localPort
    if (port === undefined) return false
    let ours = byPort.get(port)
    if (!ours) {
      // Port 80 is left out by clients (RFC 9110 §7.2).
      ours = new Set(names.flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]))
      byPort.set(port, ours)
    }
    return namesOnly(request, ours)
  }
}

const SOCKET_HOST: ReadonlySet<string> = new Set(['localhost'])

function isSocketHost(request: IncomingMessage): boolean {
  return namesOnly(request, SOCKET_HOST)
}

/** Whether the request has one Host, and that, and the authority of an absolute target, is in `ours`. */
function namesOnly({ headers, rawHeaders, url = '' }: IncomingMessage, ours: ReadonlySet<string>) {
  const { host } = headers
  if (host === undefined || !(ours.has(host) || ours.has(host.toLowerCase()))) return false
  // `headers` keeps the first of several, and a proxy in between may have looked at the last.
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  if (hosts !== 1) return false
  // An absolute target overrules Host (RFC 9112 §3.2.2).
  const target = url.startsWith('/') ? undefined : /^[a-z]+:\/\/([^/?#]*)/i.exec(url)
  return !target || ours.has(target[1]?.toLowerCase() ?? '')
}

/** What a local program never sends, and a web page or a proxy on the way nearly always does. */
const FOREIGN_HEADERS: ReadonlySet<string> = new Set(['origin', 'referer', 'forwarded'])

function refusePagesAndProxies({ headers }: IncomingMessage): void {
  for (const name in headers) {
    if (FOREIGN_HEADERS.has(name) || name.startsWith('x-forwarded-')) {
      throw new SidecarError('forbidden', `A request with a ${name} header is refused.`)
    }
  }
  // `none` is what a person causes who types the address; Node's own fetch sends no such header.
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'none') {
    throw new SidecarError('forbidden', 'A request that a web page caused is refused.')
  }
}

/** RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1). */
const BEARER = /^bearer +([\w.~+/-]+=*) *$/i

/** @throws {SidecarError} `invalid_key`, unless the request shows the key of somebody who is a caller now. */
export function identify({ headers }: IncomingMessage, callers: CallersDoor): Caller {
  const { authorization } = headers
  if (authorization === undefined) {
    throw new SidecarError('invalid_key', 'The request shows no access key.')
  }
  const key = BEARER.exec(authorization)?.[1]
  if (key === undefined) {
    throw new SidecarError('invalid_key', 'The Authorization header holds no Bearer key.')
  }
  const caller = callers.identify(hash('sha256', key, 'buffer'))
  if (!caller) throw new SidecarError('invalid_key', 'No caller has this access key.')
  callers.touched(caller.name)
  return caller
}
