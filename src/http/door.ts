/**
 * The two ways in: TCP on loopback, where a caller shows its access key, and the owner socket, which
 * only the owner can open. A door says whose connections it takes, how they prove who they are, and
 * whether the owner's routes, and the owner's words, are behind it.
 */
import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { SidecarError } from '../errors.ts'
import { NO_CALLER, OWNER } from './callers.ts'
import type { Caller, CallerRegistry, Deps } from './deps.ts'

export interface Door {
  /** As the log has it. */
  readonly name: 'tcp' | 'owner'
  /** Whether the owner's routes are open here, and answers say who is signed in and what a server said. */
  readonly isOwners: boolean
  /** Who asks for what needs no proof. */
  readonly unproven: Caller
  /** Whether the connection is from where this door's callers come from. */
  isPeer(request: IncomingMessage): boolean
  /** Whether the request names this daemon, once, as its host. */
  isOurHost(request: IncomingMessage): boolean
  /** Who asks. @throws {SidecarError} `invalid_key`. */
  identify(request: IncomingMessage): Caller
}

export function createTcpDoor({ host, callers }: Pick<Deps, 'host' | 'callers'>): Door {
  return {
    name: 'tcp',
    isOwners: false,
    unproven: NO_CALLER,
    isPeer: isFromLoopback,
    isOurHost: createHostCheck(host),
    identify: (request) => callerByKey(request, callers),
  }
}

/** The file permission of the socket is the proof. */
export const OWNER_DOOR: Door = {
  name: 'owner',
  isOwners: true,
  unproven: OWNER,
  // A connection with an address has not come through the socket.
  isPeer: ({ socket }) => socket.remoteAddress === undefined,
  isOurHost: (request) => namesOnly(request, SOCKET_HOST),
  identify: () => OWNER,
}

const SOCKET_HOST: ReadonlySet<string> = new Set(['localhost'])

/** The kernel writes the address, always in the same form; a listener that systemd made may be open to others. */
function isFromLoopback({ socket }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? ''
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

/** A page that rebinds its DNS name to 127.0.0.1 still sends that name as Host. */
function createHostCheck(host: string): (request: IncomingMessage) => boolean {
  const names = ['localhost', '127.0.0.1', '[::1]', isIPv6(host) ? `[${host}]` : host]
  const byPort = new Map<number, ReadonlySet<string>>()
  return (request) => {
    const port = request.socket.localPort
    if (port === undefined) return false
    let ours = byPort.get(port)
    if (!ours) {
      // Clients leave port 80 out (RFC 9110 §7.2).
      ours = new Set(names.flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]))
      byPort.set(port, ours)
    }
    return namesOnly(request, ours)
  }
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

/** RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1). */
const BEARER = /^bearer +([\w.~+/-]+=*) *$/i

/** @throws {SidecarError} `invalid_key`, unless the request shows the key of a caller. */
function callerByKey({ headers }: IncomingMessage, callers: CallerRegistry): Caller {
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
