/**
 * The doors for programs: TCP on loopback, where a caller shows its access key, and the owner socket, which only
 * the owner can open (`page-door.ts` has the page's). A door decides which connections it accepts, how a
 * caller proves who it is, and whether it may use the owner's routes and read the owner's messages.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { isLoopbackAddress } from '../core/loopback.ts'
import { SidecarError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { type Caller, OWNER } from './callers.ts'
import { refusePagesAndProxies } from './pages-and-proxies.ts'

export interface Door {
  /** Its name in the log. */
  readonly name: 'tcp' | 'owner' | 'page'
  /** Whether the owner's routes are open here, and answers say who is signed in and what a server said. */
  readonly isOwners: boolean
  /** Whether callers show a key here. Where they show none, the file system says who may connect. */
  readonly asksForKey: boolean
  /** Whether its event streams announce that the daemon stops before they end. */
  readonly announcesStop: boolean
  /** The proof that the owner's endpoint is ours, where other users may connect to it or take its name. */
  readonly owner?: OwnerProof
  /** Whether the connection comes from this machine, or through the socket. */
  isPeer(request: IncomingMessage): boolean
  /** Whether the request names this daemon, once, as its host. */
  isOurHost(request: IncomingMessage): boolean
  /** Refuses a sender that the door is not for, such as a web page. @throws {SidecarError} `forbidden`. */
  requireSender(request: IncomingMessage): void
  /** The caller. @throws {SidecarError} `invalid_key`. */
  identify(request: IncomingMessage): Caller
}

export interface OwnerProof {
  /** What clients connect to. */
  readonly path: string
  /** As `CallerRegistry.proof`, with the owner's key. */
  proof(nonce: string): string
}

/** The callers, for a door to look up. */
export interface CallersByKey {
  /** The caller whose access key has this SHA-256. @throws {SidecarError} `invalid_key` where the key expired. */
  identify(keySha256: Buffer): Caller | undefined
  /** Notes that `name` has just shown its key. Called for every request: it must not wait. */
  noteUse(name: string): void
}

/** @param options `host` is `listen.host` of the config. */
export function createTcpDoor({
  host,
  callers,
}: {
  readonly host: string
  readonly callers: CallersByKey
}): Door {
  return {
    name: 'tcp',
    isOwners: false,
    asksForKey: true,
    announcesStop: false,
    isPeer: isFromLoopback,
    isOurHost: createHostCheck(host),
    requireSender: refusePagesAndProxies,
    identify: (request) => callerByKey(request, callers),
  }
}

/** The owner socket: only the owner can open it, so no other proof is needed. */
export const OWNER_DOOR: Door = {
  name: 'owner',
  isOwners: true,
  asksForKey: false,
  announcesStop: false,
  // A connection with an address has not come through the socket.
  isPeer: ({ socket }) => socket.remoteAddress === undefined,
  isOurHost: (request) => hasOnlyHost(request, SOCKET_HOST),
  requireSender: refusePagesAndProxies,
  identify: () => OWNER,
}

/**
 * The owner's named pipe on Windows. Node lets other users open it, so the owner shows `key`, after the daemon
 * has proven that it knows the key.
 */
export function createKeyedOwnerDoor(path: string, key: Secret): Door {
  const digest = Buffer.from(key.sha256, 'hex')
  return {
    ...OWNER_DOOR,
    asksForKey: true,
    owner: {
      path,
      proof: (nonce) => createHmac('sha256', digest).update(nonce, 'utf8').digest('hex'),
    },
    identify(request) {
      if (timingSafeEqual(keyDigestOf(request), digest)) return OWNER
      throw new SidecarError('invalid_key', "This is not the owner's key.")
    },
  }
}

const SOCKET_HOST: ReadonlySet<string> = new Set(['localhost'])

/** Whether the peer is on this machine: a socket that systemd passed may listen elsewhere too. The kernel writes addresses in one form. */
export function isFromLoopback({ socket }: IncomingMessage): boolean {
  const { remoteAddress = '' } = socket
  return isLoopbackAddress(remoteAddress.replace(/^::ffff:/, ''))
}

/** Refuses foreign names: a page whose DNS name was rebound to 127.0.0.1 still sends that name as Host. */
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
    return hasOnlyHost(request, ours)
  }
}

/** Whether the request has exactly one Host, which is in `ours`, as is the authority of an absolute target. */
export function hasOnlyHost(
  { headers, rawHeaders, url = '' }: IncomingMessage,
  ours: ReadonlySet<string>,
) {
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
function callerByKey(request: IncomingMessage, callers: CallersByKey): Caller {
  const caller = callers.identify(keyDigestOf(request))
  if (!caller) throw new SidecarError('invalid_key', 'No caller has this access key.')
  callers.noteUse(caller.name)
  return caller
}

/** SHA-256 of the key that the request shows. @throws {SidecarError} `invalid_key` where it shows none. */
function keyDigestOf({ headers }: IncomingMessage): Buffer {
  const { authorization } = headers
  if (authorization === undefined) {
    throw new SidecarError('invalid_key', 'The request shows no access key.')
  }
  const key = BEARER.exec(authorization)?.[1]
  if (key === undefined) {
    throw new SidecarError('invalid_key', 'The Authorization header holds no Bearer key.')
  }
  return hash('sha256', key, 'buffer')
}
